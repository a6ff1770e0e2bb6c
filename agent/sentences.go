package agent

import (
	"fmt"
	"strings"

	"github.com/candor-edge/candor/agent/control"
)

// sentences are what a person is told after a decision, one a line: a name, then the same in English and in French, so that
// neither changes without the other in sight. What ends in "-here" is said on the page, where the others name a command.
const sentences = `
granted|From now on what the rules let through goes to %s. Nothing taken before this moment will leave.|À partir de maintenant, ce que les règles laissent passer va à %s. Rien de ce qui a été mesuré avant cet instant ne partira.
granted-already|It was granted already; nothing has changed.|C'était déjà accepté ; rien n'a changé.
mine-granted|From now on this object keeps what it measures, for you and for %d days. It never leaves.|À partir de maintenant, cet objet garde ce qu'il mesure, pour vous et pendant %d jours. Cela n'en part jamais.
back|Take it back any time: candor consent withdraw %s|À reprendre à tout moment : candor consent withdraw %s
back-here|Take it back here at any time.|Vous pouvez le reprendre ici à tout moment.
never|It was never granted; nothing of it leaves.|Cela n'a jamais été accepté ; rien n'en part.
ended-already|It had ended already; nothing of it leaves.|C'était déjà terminé ; rien n'en part.
mine-never|It was never granted; nothing is kept.|Cela n'a jamais été accepté ; rien n'est gardé.
mine-ended|It had ended already; nothing is kept.|C'était déjà terminé ; rien n'est gardé.
the-recipient|the recipient|le destinataire
resumed|The pause has ended: what is granted leaves again, and nothing that was sensed meanwhile.|La pause est finie : ce qui est accepté part de nouveau, et rien de ce qui a été mesuré entre-temps.
nothing-paused|Nothing was paused.|Rien n'était en pause.
paused-already|It was paused already; nothing leaves.|C'était déjà en pause ; rien ne part.
resume-with|Resume with: candor consent resume|Pour reprendre : candor consent resume
resume-with-here|Resume here when you like.|Reprenez ici quand vous voulez.
withdrawn|Nothing of it leaves any more. What was waiting is destroyed, and %s is asked to delete what it has, until it confirms. Erasure here is by software: old cells of the memory card may keep traces.|Plus rien n'en part. Ce qui attendait est détruit, et il est demandé à %s d'effacer ce qui s'y trouve, jusqu'à confirmation. Ici, l'effacement est logiciel : d'anciennes cellules de la carte mémoire peuvent garder des traces.
refused|Nothing of it leaves, and you are not asked again for six months unless you open it yourself|Rien n'en part, et la question ne vous sera plus posée avant six mois, sauf si vous la rouvrez vous-même
paused|Nothing leaves any more. What is sensed from now on until you resume will never leave; what waited from before is kept and goes on its way then.|Plus rien ne part. Ce qui est mesuré à partir de maintenant et jusqu'à la reprise ne partira jamais ; ce qui attendait déjà est gardé et partira alors.
mine-destroyed|Nothing more is kept, and the history and the readable copies of what was sent are destroyed. Erasure here is by software: old cells of the memory card may keep traces.|Plus rien n'est gardé ; l'historique et les copies lisibles de ce qui est parti sont détruits. Ici, l'effacement est logiciel : d'anciennes cellules de la carte mémoire peuvent garder des traces.
mine-kept|Nothing more is kept. What is there stays on this object until its %d days are over.|Plus rien n'est ajouté. Ce qui est là reste sur cet objet jusqu'à la fin de ses %d jours.
destroy|Destroy it any time: candor consent withdraw mine|À détruire à tout moment : candor consent withdraw mine
destroy-here|You can destroy it here at any time.|Vous pouvez le détruire ici à tout moment.
erased-all|everything|tout
erased-owner|everything, for another owner|tout, pour un autre propriétaire
erased-purpose|all that is kept for the purpose %s|tout ce qui est gardé pour l'usage %s
erased-period|what was taken from %s to %s, whole UTC days, both included|ce qui a été mesuré du %s au %s, jours entiers UTC, tous deux compris
erased-yes|%s: the yes, with its keys (%d) and all that was buffered or kept under them|%s : le oui, avec ses clés (%d) et tout ce qui attendait ou était gardé sous elles
erased-days|day keys: %d, and with them the rows that were buffered: %d|clés de jours : %d, et avec elles les lignes qui attendaient : %d
erased-keys|the keys of this object, and with them %d entries of the ledger, every receipt, pseudonym and stream name|les clés de cet objet, et avec elles %d inscriptions du registre, chaque reçu, pseudonyme et nom de flux
erased-buffer|the buffer and the history, with what was set aside as damaged|ce qui attendait et l'historique, avec ce qui était mis de côté comme abîmé
remains-receipts|the receipts of what you answered, until five years after a yes has ended: they prove it (GDPR art. 7(1))|les reçus de vos réponses, jusqu'à cinq ans après la fin d'un oui : ils en sont la preuve (RGPD art. 7(1))
remains-lines|lines about what left, with counts and without values, for 90 days|des lignes sur ce qui est parti, avec des nombres et sans valeurs, pendant 90 jours
remains-there|what recipients have: they are asked to delete it where a yes has ended, or where you asked for it|ce qu'ont les destinataires : il leur est demandé de l'effacer là où un oui a pris fin, ou là où vous l'avez demandé
remains-traces|traces in worn cells of the memory card, and copies of the whole card made before: this is erasure by software|des traces dans des cellules usées de la carte mémoire, et les copies de toute la carte faites avant : c'est un effacement logiciel
remains-requests|deletion requests that no recipient has acknowledged: they go on being sent, and name nobody|les demandes d'effacement qu'aucun destinataire n'a confirmées : elles continuent d'être envoyées, et ne nomment personne
remains-maker|the files of the maker: configuration, policy and charter|les fichiers du fabricant : configuration, règles et charte
now-light|The light on this object is on while something is being sent, and only then.|Le voyant de cet objet est allumé pendant un envoi, et seulement alors.
now-mute|Nothing leaves this object: its disk takes no writing, so nothing could be noted or taken back.|Rien ne sort de cet objet : son disque refuse l'écriture, rien ne pourrait donc être noté ni repris.
now-paused|Paused: nothing leaves this object, and what is sensed meanwhile never will.|En pause : rien ne sort de cet objet, et ce qui est mesuré pendant ce temps ne sortira jamais.
now-control|No data is leaving this object: no yes is in force. A message without data, as a request to delete, is on its way.|Aucune donnée ne sort de cet objet : aucun oui n'est en vigueur. Un message sans données, comme une demande d'effacement, est en route.
now-sending|Something is being sent right now, to %s.|Un envoi est en cours, vers %s.
now-nothing|Nothing is leaving this object: no yes is in force.|Rien ne sort de cet objet : aucun oui n'est en vigueur.
now-stuck|Nothing is leaving at this moment: no recipient can be reached.|Rien ne sort en ce moment : aucun destinataire n'est joignable.
now-open|Nothing is being sent at this moment.|Aucun envoi en ce moment.
now-one|One use is agreed to, with about %d sends a day, to %s.|Un usage est accepté, avec environ %d envois par jour, vers %s.
now-many|%d uses are agreed to, with about %d sends a day in all, to %s.|%d usages sont acceptés, avec environ %d envois par jour en tout, vers %s.
last-never|Nothing has ever left it.|Rien n'en est jamais sorti.
last|The last message left %s.|Le dernier message est parti %s.
last-of|The last message left %s, to %s (%s).|Le dernier message est parti %s, vers %s (%s).
ago|%s ago|il y a %s
next-nothing|nothing to send|rien à envoyer
next-no|nothing leaves: %s|rien ne part : %s
next-sealed|cut, sealed to the recipient and waiting for it; this object can't read it any more|coupé, scellé pour le destinataire et en attente ; cet objet ne peut plus le lire
next-cut|cut and waiting for the recipient|coupé et en attente du destinataire
next-gathering|gathering: its time is not over, more may join|en cours : sa période n'est pas finie, d'autres lignes peuvent s'y ajouter
next-would|would send|partirait
state-asked|asked|pas encore répondu
state-withdrawn|withdrawn|retiré
state-expired|expired|échu
state-declined|declined|refusé
state-changed|changed|la demande a changé
state-refused|refused|refusé par la charte
ago-now|less than a minute ago|il y a moins d'une minute
`

// sentence is the same said in both languages.
type sentence struct{ en, fr string }

// sentenceOf is a sentence by its name.
func sentenceOf(name string) sentence {
	for line := range strings.Lines(sentences) {
		if rest, ok := strings.CutPrefix(line, name+"|"); ok {
			en, fr, _ := strings.Cut(strings.TrimSuffix(rest, "\n"), "|")
			return sentence{en, fr}
		}
	}
	return sentence{}
}

// in is the sentence in a language: French for "fr" and its regions, else English.
func (s sentence) in(language string, args ...any) string {
	text := s.en
	if strings.HasPrefix(language, "fr") {
		text = s.fr
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// say is a sentence in the language in which somebody decided.
func say(d control.Decision, key string, args ...any) string {
	return sentenceOf(key).in(d.Language, args...)
}

// sayThen is a sentence and how to go on from there: with a command, or here on the page.
func sayThen(d control.Decision, first, then string, command ...any) string {
	if d.Channel == control.ChannelPage {
		return first + " " + say(d, then+"-here")
	}
	return first + " " + say(d, then, command...)
}

// channel is through what somebody decided.
func channel(d control.Decision) string {
	if d.Channel == "" {
		return control.ChannelCLI
	}
	return d.Channel
}

// remains is what an erasure leaves, and why.
func remains(language string) []string {
	return tell(language, "remains-receipts", "remains-lines", "remains-there", "remains-traces")
}

// remainsAfterTransfer is what making the object ready for another owner leaves.
func remainsAfterTransfer(language string) []string {
	return tell(language, "remains-requests", "remains-maker", "remains-traces")
}

func tell(language string, names ...string) (out []string) {
	for _, n := range names {
		out = append(out, sentenceOf(n).in(language))
	}
	return out
}
