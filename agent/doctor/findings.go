package doctor

import (
	"strconv"
	"strings"
)

// finding is all that a check may come out as: its code, what was seen and the one thing to do, in words. {1} and so on are filled
// in; {file} is the configuration.
type finding struct {
	code     string
	state    State
	evidence string
	do       string // "" where nothing has to be done
	command  string
	root     rooted
}

// rooted says whether the command, or the change of a file, takes root.
type rooted uint8

const (
	noRoot  rooted = iota
	asRoot         // it does
	editing        // a file of the configuration is changed: it does unless that is the asker's
)

const (
	supply   = "use a supply that holds its voltage (5.1 V and 3 A; a Pi 5 takes 5 A) and a short, thick cable"
	air      = "give it air: out of the sun, off the radiator, the lid open, a heat sink"
	setClock = "sudo timedatectl set-ntp true"
	room     = "sudo journalctl --vacuum-size=20M; sudo apt-get clean"
	unplug   = "take the power from the parts of {1}, one after the other: the last one before it works is it"
	scan     = "candor sensor scan"
	restart  = "sudo systemctl restart candor"
	check    = "candor config check --config {file}"
	author   = "let its author mend it"
	reboots  = "data will be lost at reboot, every yes with it"
	plug     = "plug the cable in, or bring the wireless network up"
)

// findings are all of them, in the order of the walk: a closed list, so that a code can be passed on where no text may be. DOCTOR.md
// explains them.
func findings() []finding {
	return []finding{
		{"board", OK, "{1}, {2}", "", "", noRoot},
		{"board-unknown", Unknown, "it does not tell its name; {2}", "", "", noRoot},

		// Under-voltage is below 4.63 V, by the maker's documentation.
		{"power", OK, "never too low since the boot", "", "", noRoot},
		{"power-now", OK, "enough now; whether it ever was too low is unknown on this board", "", "", noRoot},
		{"power-unknown", Unknown, "unknown on this board: nothing in /sys watches the supply", "", "", noRoot},
		{"under-voltage-ever", Warning, "enough now, and less than 4.63 V at some time since the boot", supply, "", noRoot},
		{"under-voltage-now", Broken, "the board sees less than 4.63 V now: parts and card fail at random", supply, "", noRoot},

		{"temperature", OK, "within what the board bears", "", "", noRoot},
		{"temperature-unknown", Unknown, "unknown on this board: /sys/class/thermal has no zone", "", "", noRoot},
		{"hot", Warning, "the board is nearly too hot", air, "", noRoot},
		{"too-hot", Broken, "the board is as hot as it may get, and slows down or stops", air, "", noRoot},

		{"clock", OK, "set and kept ({1})", "", "", noRoot},
		{"clock-unsynced", Note, "nothing vouches for it since the boot ({1}); it works all the same, and nothing lapses by it", "let it reach a time server", setClock, asRoot},
		{"clock-wrong", Broken, "it says {1}, and /{2} was written later, on {3}", "let it reach a time server, or set it by hand: sudo timedatectl set-time 'YYYY-MM-DD HH:MM'", setClock, asRoot},

		{"configuration", OK, "{file} can be used", "", "", noRoot},
		{"configuration-missing", Broken, "there is no {file}", "write one, or name it with --config", "candor config reference > candor.toml", noRoot},
		{"configuration-not-allowed", Refused, "you may not read {file}", "look as root", "sudo candor doctor", asRoot},
		{"configuration-wrong", Broken, "{1}", "mend what it says above (faults: {2})", check, editing},

		{"control", OK, "a daemon answers, and is asked", "", "", noRoot},
		{"control-alone", Skipped, "no daemon answers; the doctor looks for itself", "", "", noRoot},
		{"control-not-allowed", Refused, "{1}", "become a member of the group {2}, then log in again", "sudo usermod -aG {2} $USER", asRoot},
		{"control-no-group", Refused, "{1}", "look as root", "sudo candor doctor", asRoot},

		{"mounts", OK, "{1} is on {2} ({3}), writable{4}", "", "", noRoot},
		{"mounts-unknown", Unknown, "unknown on this machine: /proc/self/mounts can't be read", "", "", noRoot},
		{"state-read-only", Broken, "{1} is on {2} ({3}), which is mounted read-only: nothing can be kept, so nothing leaves", "mount it writable; where it became so by itself the card is dying: replace it", "sudo mount -o remount,rw {2}", asRoot},
		{"state-in-memory", Broken, "{1} is on {2} ({3}): " + reboots, "set [device] state and [keys] dir to a directory on the card, in {file}", "", editing},
		{"state-on-overlay", Broken, "{1} is on an overlay over the card: " + reboots, "give it a partition of its own, or switch the overlay off and reboot", "sudo raspi-config nonint do_overlayfs 1", asRoot},
		{"state-owner", Broken, "{1} belongs to user {2}, and the service runs as {3}, who can't write there", "give it back", "sudo chown -R {3}: {1} {4}", asRoot},

		{"disk", OK, "enough is free under {1}", "", "", noRoot},
		{"disk-unknown", Unknown, "how full it is can't be seen: {2}", "", "", noRoot},
		{"disk-nearly-full", Warning, "little is free under {1}", "make room: logs and old packages first", room, asRoot},
		{"disk-full", Broken, "less than {2} KiB are free under {1}; so much is kept free, and the buffer stops", "make room: logs and old packages first", room, asRoot},
		{"disk-no-files", Broken, "the file system under {1} can't take another file", "take away small files nobody needs", room, asRoot},

		{"flash", OK, "the flash says that at most {1} percent of its life are used", "", "", noRoot},
		{"flash-unknown", Unknown, "unknown here: {1} does not tell how worn it is", "", "", noRoot},
		{"flash-worn", Warning, "the flash says that over 80 percent of its life is used", "replace it before it fails, and keep its state (candor export)", "", noRoot},
		{"flash-pace", Warning, "more than 60 MB a day are written, which wears a card out", "make [buffer] flush or `every` of the sensors longer in {file}", "", editing},

		{"i2c", OK, "{1} there", "", "", noRoot},
		{"i2c-none", Skipped, "no sensor is on an I2C bus", "", "", noRoot},
		{"i2c-line-missing", Broken, "{1} is off: in {2} the line {3} {4}", "add the line {3} to {2}, then reboot", `printf '[all]\n{3}\n'|sudo tee -a {2}`, asRoot},
		{"i2c-reboot", Broken, "{2} has {3}, and {1} is not there: not rebooted since, or the kernel could not start it", "reboot", "sudo reboot", asRoot},
		{"i2c-module", Broken, "the kernel has {1}, and /dev/{1} is not there: the module i2c-dev is not loaded", "load it, now and at every start", "echo i2c-dev | sudo tee -a /etc/modules; sudo modprobe i2c-dev", asRoot},
		{"i2c-missing", Broken, "this machine has no {1} (/dev/{1})", "switch the bus on in the firmware or device tree, or name another: candor sensor scan", "sudo modprobe i2c-dev", asRoot},

		{"rights", OK, "{1} may use what is needed", "", "", noRoot},
		{"rights-none", Skipped, "no device node is needed", "", "", noRoot},
		{"rights-group", Broken, "{1}", "make {2} a member of the group {3}, then start the daemon again", "sudo usermod -aG {3} {2}", asRoot},
		{"rights-service", Broken, "{1}", "add SupplementaryGroups={3} to the service, then restart it", "sudo systemctl edit candor", asRoot},
		{"rights-udev", Broken, "{1}", "set its group and mode by a udev rule, as the package does", "sudo chgrp {2} /{3}; sudo chmod 660 /{3}", asRoot},

		{"levels", OK, "both wires are high between transfers", "", "", noRoot},
		{"levels-none", Skipped, "no sensor is on an I2C bus", "", "", noRoot},
		{"levels-unknown", Unknown, "unknown on this board: {1}", "", "", noRoot},
		{"sda-low", Broken, "{1}: SDA stays low: a part holds it, or it is shorted to ground", unplug, "", noRoot},
		{"scl-low", Broken, "{1}: SCL stays low: a part holds it, it is shorted to ground, or there is no pull-up", unplug, "", noRoot},

		{"chips", OK, "as configured: {1}", "", "", noRoot},
		{"chips-none", Skipped, "no chip is configured; what is simulated is not looked at", "", "", noRoot},
		{"bus-stuck", Broken, "{1} is stuck: no transfer ends. {2}", unplug, "", noRoot},
		{"chip-missing", Broken, "{1}", "look at its cable, power and address: who answers is listed by", scan, noRoot},
		{"chip-swapped", Broken, "{1}", "put a {2} there again, or name in {file} what is there", scan, editing},
		{"chip-taken", Broken, "{1}", "read it by the driver \"kernel\", or take its dtoverlay out of config.txt and reboot", scan, asRoot},
		{"chip-gone", Broken, "{1}", "look at cable and bus: who answers is listed by", scan, noRoot},
		{"chip-faulty", Broken, "{1}", "look at its cable and power; where that is well, replace the part", "candor sensor read {3}", noRoot},

		{"reads", OK, "spread of the last reads (none, small, normal, wide): {1}", "", "", noRoot},
		{"reads-none", Skipped, "nothing is read whose spread may be told", "", "", noRoot},
		{"reads-out", Warning, "{1}", "look where the part sits, and whether it is damaged; then read it again", "candor sensor read", noRoot},

		{"lines", OK, "{1}: nobody else has them", "", "", noRoot},
		{"lines-none", Skipped, "no GPIO line is configured", "", "", noRoot},
		{"lines-unknown", Unknown, "who has it is not for you to see: {1}", "", "", noRoot},
		{"line-missing", Broken, "{1}", "name a line that is there in {file}", "", editing},
		{"line-taken", Broken, "{1}", "stop who has it, or take its dtoverlay out of config.txt", "", asRoot},
		{"line-free", Broken, "{1}: the daemon does not have it", "start the daemon again", restart, asRoot},

		{"policy", OK, "{1} is signed, and {2}", "", "", noRoot},
		{"policy-unsigned", Note, "{1} {2}, and is not signed: whoever can write it can change what is asked", "have it signed, and name the key in [policy] key", "candor policy sign {1} --key FILE", editing},
		{"policy-refuses", Note, "{2}", author, "candor policy check {1}", noRoot},
		{"policy-old", Note, "{1} is not taken: {2}; what was read before stays in force", author, "candor policy check {1}", noRoot},
		{"policy-signature", Broken, "{2}", "put the policy there again as it was signed, with its .sig; whoever changed it is worth a question", "", editing},
		{"policy-older", Broken, "{2}", "put the newest signed policy there", "", editing},
		{"policy-unreadable", Broken, "{2}", "mend it, or put it there", "candor policy check {1}", editing},

		{"state", OK, "keys, ledger and buffer are open", "", "", noRoot},
		{"state-new", Skipped, "the object was never started", "", "", noRoot},
		{"state-not-allowed", Unknown, "only the daemon, its user and root see what the object keeps", "", "", noRoot},
		{"state-locked", Broken, "another candor has {1} and answers nobody", "start the daemon again", restart, asRoot},
		{"state-damaged", Broken, "{2}", "move that file away, keep it, and start again: every yes is asked anew", "", asRoot},

		{"consent", OK, "{1} of {2} purposes have a yes; what their rules let through leaves, nothing else", "", "", noRoot},
		{"consent-unknown", Unknown, "who agreed to what is not for you to see without a daemon", "", "", noRoot},
		{"consent-none", Held, "nobody has said yes to any purpose, so nothing leaves", "the person who lives with the object decides, nobody else; what is asked is listed by", "candor consent show", noRoot},
		{"consent-paused", Held, "the person has paused the object: nothing leaves, tests neither", "ask the person: the button or the page ends the pause, or", "candor consent resume", noRoot},

		{"buffer", OK, "it takes rows", "", "", noRoot},
		{"buffer-none", Skipped, "there is none to look into", "", "", noRoot},
		{"buffer-full", Warning, "it is full: the oldest rows are dropped for new ones", "see below why nothing leaves; [buffer] max_size may be larger", "", editing},
		{"buffer-read-only", Broken, "the disk takes no writing any more, so it takes no rows", "mend or replace the disk; what it holds can be looked at with", "candor buffer verify", noRoot},
		{"buffer-failing", Broken, "it takes no rows: {1}", "see what is wrong with it", "candor buffer verify", noRoot},

		{"unsent", OK, "no recipient refuses anything{1}", "", "", noRoot},
		{"unsent-none", Skipped, "there is no buffer to look into", "", "", noRoot},
		{"unsent-parked", Broken, "{1} refused uploads of purpose {2}, which are kept: {3}", "mend what it says; then have it offered again", "candor uplink retry", noRoot},
		{"unsent-refused", Broken, "{1} refuses uploads: {3}", "mend what it says; then have it offered again", "candor uplink retry", noRoot},
		{"deletion-overdue", Warning, "{1} has not confirmed for 30 days that it deleted what it was asked to", "ask the recipient", "", noRoot},

		{"routes", OK, "to {1}", "", "", noRoot},
		{"routes-none", Skipped, "no [[route]] leads to a recipient of the policy: nothing can leave", "", "", noRoot},
		{"routes-unknown", Unknown, "{1}", "", "", noRoot},
		{"route-missing", Broken, "purpose {2} has a yes, and no [[route]] leads to {1}", "add a [[route]] to {1} to {file}, then start the daemon again", "candor config reference", editing},

		{"stretch", OK, "{1}", "", "", noRoot},
		{"stretch-none", Skipped, "not tried: no message is sent that no ledger could note, and none without a route", "", "", noRoot},
		{"route-files", Broken, "{1}", "put the file there that it names, for the daemon to read", check, editing},
		{"route-lookup", Broken, "{1}", "give it a name server that answers, in the router or in /etc/resolv.conf", "", asRoot},
		{"route-refused", Broken, "{1}", "ask the recipient: nobody listens there; or mend url of the [[route]] in {file}", "", editing},
		{"route-silent", Broken, "{1}", "let the router or firewall pass outgoing connections to that port", "", noRoot},
		{"route-no-link", Broken, "{1}", plug, "", noRoot},
		{"route-expired", Broken, "{1}", "the recipient has to renew its certificate, where the clock of this object is right", "", noRoot},
		{"route-clock", Broken, "{1}", "set the clock first: the certificate may well be valid", setClock, asRoot},
		{"route-host", Broken, "{1}", "mend url of the [[route]], or look for a portal that answers for others on this network", "", editing},
		{"route-authority", Broken, "{1}", "name the recipient's authority in ca of the [[route]]; where that is right, something between reads along: try another network", "", editing},
		{"route-pin", Broken, "{1}", "get the new pin from the recipient, by another way than this network, into pin of the [[route]]", "", editing},
		{"route-protocol", Broken, "{1}", "look for a portal or proxy on this network, then for the port in url of the [[route]]", "", editing},
		{"route-token", Broken, "{1}", "put a token or certificate that the recipient knows where auth or cert of the [[route]] points; then try it", "candor uplink test", editing},
		{"route-answer", Broken, "{1}", "look for a portal or proxy on this network, then for the url of the [[route]]", "candor uplink test", noRoot},

		{"daemon", OK, "it runs", "", "", noRoot},
		{"daemon-dead", Broken, "no daemon runs, so nothing is sensed or sent", "start it", "candor run --config {file}", noRoot},
		{"service-dead", Broken, "the service candor is installed and does not run: nothing is sensed or sent", "start it; if it ends again, its log says why: journalctl -u candor", "sudo systemctl start candor", asRoot},
	}
}

// Codes are the codes of all findings, in the order of the walk.
func Codes() (out []string) {
	for _, f := range findings() {
		out = append(out, f.code)
	}
	return out
}

// say makes the check of a finding. A code that is not in the list is a mistake of this package, which a test finds.
func (w *walk) say(code string, with ...string) *Check {
	for _, f := range findings() {
		if f.code != code {
			continue
		}
		c := &Check{State: f.state, Code: code, Evidence: w.fill(f.evidence, with)}
		if f.do != "" {
			c.fix = &Fix{w.fill(f.do, with), w.fill(f.command, with), f.root == asRoot || f.root == editing && w.edit()}
		}
		return c
	}
	return &Check{State: Broken, Code: code}
}

// fill puts in what a finding is about.
func (w *walk) fill(text string, with []string) string {
	for i, s := range with {
		text = strings.ReplaceAll(text, "{"+strconv.Itoa(i+1)+"}", s)
	}
	return strings.ReplaceAll(text, "{file}", w.File)
}
