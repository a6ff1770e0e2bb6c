package cli

import (
	"strings"
	"testing"

	"github.com/candor-edge/candor/agent/control"
)

func TestFileNamesOfAnExport(t *testing.T) {
	w, err := newCSVForm(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, name := range []string{"hall.temperature", "../../etc/passwd", "a/b", "a-b", "acme/trends/x"} {
		got := w.fileName(&control.ExportSeries{Name: name, Sent: strings.Count(name, "/") == 2})
		if seen[got] || strings.ContainsAny(got, "/\\") || strings.HasPrefix(got, ".") {
			t.Errorf("%q gives %q", name, got)
		}
		seen[got] = true
	}
}
