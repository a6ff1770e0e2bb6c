package consent

import (
	"fmt"
	"strings"
)

// tell says a reason in English, from its format, and in French. A format without French gives the English twice; a test
// looks for those that a person may see.
func tell(format string, args ...any) (en, fr string) {
	en = fmt.Sprintf(format, args...)
	french, ok := inFrench(format)
	if !ok {
		return en, en
	}
	said := make([]any, len(args))
	for i, a := range args {
		if said[i] = a; a != nil {
			if text, isText := a.(string); isText {
				if words, known := inFrench(text); known {
					said[i] = words
				}
			}
		}
	}
	return en, fmt.Sprintf(french, said...)
}

// inFrench looks a text up. Arguments stand in the same order in both languages.
func inFrench(text string) (string, bool) {
	if text == "" {
		return "", false
	}
	for line := range strings.Lines(frenchReasons) {
		if en, fr, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "|"); en == text {
			return fr, true
		}
	}
	return "", false
}

// frenchReasons are why a purpose lets nothing out, and what a recipient can link: English, |, French.
const frenchReasons = `%v|sa règle ne s'applique pas à ce que mesure ce capteur%.0s
the charter says that %q never leaves|la charte dit que %q ne part jamais
the charter says that %q never leaves readable; use pseudonym or count|la charte dit que %q ne part jamais sous une forme lisible
it would be kept for %d days; the charter allows %d|ce serait gardé %d jours ; la charte en permet %d
nothing bounds how much it tells a day, and the charter allows %d bits%s: give the sensor ` + "`every`" + ` or the rule a window|rien ne borne ce que cela dit en un jour, et la charte permet %d bits%s
it can tell %d bits a day%s; the charter allows %d|cela peut dire %d bits par jour%s ; la charte en permet %d
 about who is at home| sur la présence au foyer
 to one recipient| pour un même destinataire
%s speaks every %s, which is %d rows in a time of %s, and at most %d can be sorted so that their order tells nothing: give the rule a window, or the sensor a longer ` + "`every`" + `|%s mesure trop souvent%.0s : %d lignes pour une même heure arrondie%.0s, et au-delà de %d leur ordre en dirait plus que prévu
the policy claims %s for %s, and it is %s: %s|la politique annonce %s pour %s, et c'est %s%.0s
the policy claims L2 for %s, and its purposes %s and %s carry the same stamps of %s finer than a day: laid side by side they are one|la politique annonce L2 pour %s, et ses finalités %s et %s portent les mêmes heures de %s : mises côte à côte, elles n'en font qu'une
it was answered on the grounds %s and %s, and a purpose keeps its grounds for life: what rests on %s and %s needs another id|vous aviez répondu sur les fondements %s et %s, et une finalité garde les siens à vie : ce qui repose sur %s et %s est une autre finalité
it is tagged %s, and somebody under age lives in this home|elle sert à %s, et un mineur vit dans ce foyer
marketing|la prospection
profiling|au profilage
data-sale|la vente de données
%s %s does not nest with %s in the purpose %s of the same recipient: together they would tell more than either|%s %s et %s dans la finalité %s du même destinataire se recoupent mal : ensemble, elles en diraient plus
the time|le temps
the step|le pas
the edge|le seuil
a set of edges|les seuils
with it %s can learn %d bits a day from all its purposes together; the charter allows %d|avec elle, %s apprendrait %d bits par jour de toutes ses finalités ; la charte en permet %d
the yes was given to something else than the policy says now; nothing leaves until it is answered again|votre oui portait sur autre chose que ce qui est demandé aujourd'hui ; rien ne part avant une nouvelle réponse
what the yes was given to can't be read any more (%v); nothing leaves until it is answered again|ce que vous aviez accepté ne peut plus être lu ; rien ne part avant une nouvelle réponse%.0s
the yes was given to another %s than the policy names now; nothing leaves until it is answered again|ce n'est plus ce que vous aviez accepté (%s) ; rien ne part avant une nouvelle réponse
controller|responsable
recipient|destinataire
purpose|finalité
ground for access|fondement de l'accès
service|service
legal basis|base légale
finest time|temps le plus fin
names change every|changement de nom
the yes was given to storing it in other countries than the policy names now; nothing leaves until it is answered again|vous aviez accepté une conservation dans d'autres pays ; rien ne part avant une nouvelle réponse
the yes was given when the connection to the recipient did not name this object, and now it does; nothing leaves until it is answered again|quand vous avez dit oui, la connexion ne nommait pas cet objet ; maintenant elle le nomme ; rien ne part avant une nouvelle réponse
the yes was given to %s %s, and %s does not nest with it; nothing leaves until it is answered again|vous aviez accepté un autre rythme (%s : %s), qui ne s'emboîte pas avec %s ; rien ne part avant une nouvelle réponse
the client certificate is the same in every batch and names this object|le certificat de la connexion est le même à chaque envoi et nomme cet objet
the route's credential is the same in every batch; nothing says that other objects share it|l'identifiant de la connexion est le même à chaque envoi, et rien ne dit que d'autres objets le partagent
%s of the purpose %s leaves readable and names somebody|%s, de la finalité %s, part lisible et nomme quelqu'un
the purposes %s and %s carry the same stamps of %s and change their names at different times, so each joins the epochs of the other|les finalités %s et %s portent les mêmes heures de %s et changent de numéro à des moments différents : l'une relie les périodes de l'autre
no route leads there|aucun chemin n'y mène
name and key of a stream are random and new in each epoch, and what carries it names nobody|le numéro et la clé sont tirés au hasard à chaque période, et la connexion ne nomme personne
`
