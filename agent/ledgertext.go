package agent

import "strings"

// ledgerSentences are what entries of the ledger say, one a line: as they are written, in English, and in French, so that neither
// changes without the other in sight. %s stands for what differs; one that is missing in the French is told by the command line alone.
const ledgerSentences = `
the ledger begins|le registre commence
the keys are new: what was written before can't be read any more, and this object can't vouch for it|les clés sont neuves : ce qui était écrit avant ne peut plus être lu, et cet objet ne peut pas en répondre
the keys are new: this object can't vouch any more for what was signed before|les clés sont neuves : cet objet ne peut plus répondre de ce qui était signé avant
the end of the ledger is not the one the keys remember: they know of %s entries, the file had %s|la fin du registre n'est pas celle que les clés ont retenue : elles connaissent %s inscriptions, le fichier en avait %s
its keys were destroyed before|ses clés avaient été détruites avant
erased on demand: %s|effacé sur demande : %s
had a code shown that opens the page of the person|a fait afficher un code qui ouvre la page de la personne
the page was opened for the first time: live values are shown to its person alone from here on|la page a été ouverte pour la première fois : à partir d'ici, les valeurs du moment ne sont montrées qu'à sa personne
the page was opened with a code for the first time: live values are shown to its person alone from here on|la page a été ouverte avec un code pour la première fois : à partir d'ici, les valeurs du moment ne sont montrées qu'à sa personne
a code for the page was tried wrongly five times and is void|un code pour la page a été essayé cinq fois sans succès et ne vaut plus
the button was held: the page may be opened once within two minutes|le bouton a été tenu : la page peut être ouverte une fois dans les deux minutes
the page was opened, after the button was held|la page a été ouverte, après que le bouton a été tenu
refused: %s|refusé ; le détail, en anglais : candor ledger show
the object was made ready for another owner|l'objet a été préparé pour un autre propriétaire
her data was taken: %s, from %s to %s|ses données ont été emportées : %s, du %s au %s
her data was taken: %s, from %s|ses données ont été emportées : %s, à partir du %s
her data was taken: %s, until %s|ses données ont été emportées : %s, jusqu'au %s
her data was taken: %s|ses données ont été emportées : %s
all|tout
raw|les mesures gardées
sent|ce qui est parti
receipts|les reçus
not allowed: %s|refusé : %s
more than is listed one by one|plus qu'il n'en est noté un par un
see the next upload|voir le prochain envoi
take what waits in the buffer|emporter ce qui attend
send a test message|envoyer un message d'essai
offer refused uploads again|proposer de nouveau les envois refusés
see live values|voir les valeurs du moment
see what an upload said|voir ce que disait un envoi
take the person's data|emporter les données de la personne
take the ledger|emporter le registre
see what was agreed to|voir ce qui a été accepté
see what left|voir ce qui est parti
say yes|dire oui
take a yes back|reprendre un oui
say no|dire non
switch a service on|allumer un service
switch a service off|éteindre un service
see the ledger|voir le registre
verify the ledger|vérifier le registre
see the hand-over sheet|voir la feuille de remise
erase|effacer
make the object another's|donner l'objet à quelqu'un d'autre
open the page|ouvrir la page
close the page|fermer la page
pause|mettre en pause
end a pause|finir une pause
`

// ledgerText is what an entry says in a language: in French for "fr" and its regions, else as it was written. What there is no French for
// is given as it is.
func ledgerText(text, language string) string {
	if text == "" || !strings.HasPrefix(language, "fr") {
		return text
	}
	for line := range strings.Lines(ledgerSentences + sentences) {
		parts := strings.Split(strings.TrimSuffix(line, "\n"), "|")
		if len(parts) < 2 {
			continue
		}
		en, fr := parts[len(parts)-2], parts[len(parts)-1]
		if said, ok := captured(text, strings.ReplaceAll(en, "%d", "%s")); ok {
			for _, x := range said {
				fr = strings.Replace(strings.Replace(fr, "%d", "%s", 1), "%s", ledgerText(x, language), 1)
			}
			return fr
		}
	}
	return text
}

// captured takes out of a text what stands where a pattern has %s; ok says whether the text is of the pattern.
func captured(text, pattern string) (said []string, ok bool) {
	before, rest, more := strings.Cut(pattern, "%s")
	if !more {
		return nil, text == pattern
	}
	text, ok = strings.CutPrefix(text, before)
	if !ok {
		return nil, false
	}
	next, _, _ := strings.Cut(rest, "%s")
	if next == "" && rest == "" {
		return []string{text}, text != ""
	}
	for at := 0; ; {
		i := strings.Index(text[at:], next)
		if next == "" || i < 0 {
			return nil, false
		}
		if tail, ok := captured(text[at+i:], rest); ok && at+i > 0 {
			return append([]string{text[:at+i]}, tail...), true
		}
		at += i + 1
	}
}
