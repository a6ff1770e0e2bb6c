package charter

import "github.com/candor-edge/candor/store/consent"

func (w *writer) mine(*consent.Mine) {}
