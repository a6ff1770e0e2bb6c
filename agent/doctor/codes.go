package doctor

// Codes are all that a check may come out as, in the order of the walk: a closed list, so that a code can be passed on where no
// text may be.
func Codes() []string {
	return []string{
		"board", "board-unknown",
		"power", "power-now", "power-unknown", "under-voltage-ever", "under-voltage-now",
		"temperature", "temperature-unknown", "hot", "too-hot",
		"clock", "clock-unsynced", "clock-wrong",
		"configuration", "configuration-missing", "configuration-not-allowed", "configuration-wrong",
		"control", "control-alone", "control-not-allowed",
		"mounts", "mounts-unknown", "state-read-only", "state-in-memory", "state-on-overlay", "state-owner",
		"disk", "disk-unknown", "disk-nearly-full", "disk-full", "disk-no-files",
		"flash", "flash-unknown", "flash-worn", "flash-pace",
		"i2c", "i2c-none", "i2c-line-missing", "i2c-reboot", "i2c-module", "i2c-missing",
		"rights", "rights-none", "rights-group", "rights-udev",
		"levels", "levels-none", "levels-unknown", "sda-low", "scl-low",
		"chips", "chips-none", "bus-stuck", "chip-missing", "chip-swapped", "chip-taken", "chip-gone", "chip-faulty",
		"reads", "reads-none", "reads-out",
		"lines", "lines-none", "lines-unknown", "line-missing", "line-taken", "line-free",
		"policy", "policy-unsigned", "policy-refuses", "policy-old", "policy-signature", "policy-older", "policy-unreadable",
		"state", "state-new", "state-not-allowed", "state-locked", "state-damaged",
		"consent", "consent-unknown", "consent-none", "consent-paused",
		"buffer", "buffer-none", "buffer-full", "buffer-read-only", "buffer-failing",
		"unsent", "unsent-none", "unsent-waits", "unsent-parked", "unsent-refused", "deletion-overdue",
		"routes", "routes-none", "routes-unknown", "route-missing",
		"stretch", "stretch-none", "route-files", "route-lookup", "route-refused", "route-silent", "route-expired", "route-clock", "route-host",
		"route-authority", "route-pin", "route-protocol", "route-token", "route-answer",
		"daemon", "daemon-dead",
	}
}
