package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/candor-edge/candor/agent/control"
)

// sheetWords are the words of a hand-over sheet, in one language. %s is filled in.
type sheetWords struct {
	title, what, nothing, yours, asks, asksNot string
	page, noPage, yes, no, back, pause, seen   string
	key, keyHow, contact, complain             string
}

func sheetWordsIn(language string) sheetWords {
	if strings.HasPrefix(language, "fr") {
		return sheetWords{
			title: "Cet objet et vous",
			what: "Cet objet a des capteurs. Candor, le programme qui les lit, ne laisse sortir que ce que vous acceptez, finalité par finalité, " +
				"et montre ce qui est parti, pourquoi et vers qui.",
			nothing: "Tant que vous n'avez pas dit oui, rien de ce qui est mesuré ne quitte l'objet.",
			yours: "Les données sont les vôtres : celles de votre foyer. Dire oui engage tous ceux qui y vivent ; parlez-en avec eux. " +
				"Personne d'autre ne répond pour vous : si quelqu'un qui a tous les droits sur l'objet transmet une réponse, le registre le dit. " +
				"Dès votre premier oui, un technicien ne voit plus aucune mesure.",
			asks: "%s demande, et vous décidez :", asksNot: "Personne ne demande rien pour le moment : aucune politique n'est en vigueur.",
			page: "La page de l'objet : %s. Elle montre tout, et c'est là que vous dites oui ou non.", noPage: "Sur l'objet, dans un terminal :",
			yes: "dire oui", no: "dire non", back: "reprendre un oui, sans réseau ni raison", pause: "tout arrêter pour l'instant", seen: "voir ce qui est parti",
			key: "Empreinte de sa clé : %s", keyHow: "C'est à elle que l'on reconnaît cet objet et ses reçus : « candor ledger verify » doit afficher la même.",
			contact: "Questions sur les données : %s", complain: "Réclamation : %s",
		}
	}
	return sheetWords{
		title: "This object and you",
		what: "This object has sensors. Candor, the program that reads them, lets out only what you agree to, purpose by purpose, and shows what " +
			"left, why and to whom.",
		nothing: "Until you say yes, nothing that is measured leaves the object.",
		yours: "The data is yours: your home's. A yes speaks for all who live there, so tell them. Nobody else answers for you: where somebody with " +
			"all rights on the object passes an answer on, the ledger says so. From your first yes on a technician sees no measurement.",
		asks: "%s asks, and you decide:", asksNot: "Nobody asks for anything at the moment: no policy is in force.",
		page: "The object's page: %s. It shows everything, and there you say yes or no.", noPage: "At the object, in a terminal:",
		yes: "say yes", no: "say no", back: "take a yes back, needs no network", pause: "stop everything for now", seen: "see what left",
		key: "Fingerprint of its key: %s", keyHow: "By it this object and its receipts are known: \"candor ledger verify\" has to print the same.",
		contact: "Questions about the data: %s", complain: "Complaints: %s",
	}
}

// printSheet prints the page that the person gets with the object: what it is, whose the data is, how to say yes and no, by
// which key it is known and where its page is. `transfer` and `pair` print it.
func printSheet(w io.Writer, s *control.Sheet) {
	words := sheetWordsIn(s.Language)
	part := func(text string) {
		paragraph(w, "", text)
		_, _ = fmt.Fprintln(w)
	}
	head(w, readable(w, words.title))
	_, _ = fmt.Fprintln(w)
	part(words.what)
	part(words.nothing + " " + words.yours)
	if s.Controller == "" {
		part(words.asksNot)
	} else {
		paragraph(w, "", fmt.Sprintf(words.asks, s.Controller))
		for _, p := range s.Purposes {
			paragraph(w, "  - ", p)
		}
		_, _ = fmt.Fprintln(w)
	}
	if s.Page != "" {
		part(fmt.Sprintf(words.page, s.Page))
	}
	paragraph(w, "", words.noPage)
	tw := newTable(w)
	for _, x := range [][2]string{{"candor consent grant PURPOSE", words.yes}, {"candor consent refuse PURPOSE", words.no}, {"candor consent withdraw PURPOSE", words.back},
		{"candor consent pause", words.pause}, {"candor sent", words.seen}} {
		row(tw, "  "+x[0], x[1])
	}
	_ = tw.Flush()
	_, _ = fmt.Fprintln(w)
	paragraph(w, "", fmt.Sprintf(words.key, s.Fingerprint))
	paragraph(w, "", words.keyHow)
	if s.Contact != "" {
		paragraph(w, "", fmt.Sprintf(words.contact, s.Contact))
	}
	if s.Authority != "" {
		paragraph(w, "", fmt.Sprintf(words.complain, s.Authority))
	}
}
