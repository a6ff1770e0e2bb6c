package cli

import "github.com/spf13/cobra"

// exitCodes are the exit codes and what each says, for `candor help exit-codes`, the man page and the test of API.md.
func exitCodes() []struct {
	code  int
	words string
} {
	return []struct {
		code  int
		words string
	}{
		{exitDone, "done"},
		{exitFailed, "failed, or what was looked at is not well"},
		{exitWrongUse, "wrong use: a verb, flag, name or value that can't be meant"},
		{exitLeft, "something is left undone and kept, as a buffer; doctor: held, or a warning"},
		{exitNotAllowed, "not allowed for whoever asks"},
	}
}

// newTopics are pages of help that belong to no verb.
func newTopics() []*cobra.Command {
	text := "Every verb ends with one of these, so that scripts can rely on it:\n\n"
	for _, e := range exitCodes() {
		text += "  " + string(rune('0'+e.code)) + "  " + e.words + "\n"
	}
	return []*cobra.Command{{
		Use:     "exit-codes",
		Short:   "what the exit codes say",
		Long:    text,
		Example: "  candor status >/dev/null; echo $?",
	}}
}
