package charter

// The claims, a line each: id|part|voice|predicate|French|English. A predicate is a word for [subject.prove]; the facts it hands over stand
// for {1}, {2} … Tables are texts and not code because the device's binary is small and they are long.

// objectTable is of the whole object.
const objectTable = `now.paused|now|object|if paused|En pause : rien ne sort, et ce qui est mesuré pendant ce temps ne partira jamais.|Paused: nothing leaves, and what is measured meanwhile never will.
now.nothing|now|object|if quiet|Aucune mesure ne sort de cet objet : vous n'avez dit oui à rien.|No reading leaves this object: you have said yes to nothing.
now.leaves|now|object|now|Des mesures sortent pour : {1}. Environ {2} envois par jour, vers {3}.|Readings leave for: {1}. About {2} uploads a day, to {3}.
now.last|now|object|last|Dernier envoi : il y a {1}, {2} octets, vers {3}.|Last upload: {1} ago, {2} bytes, to {3}.
now.light|now|object|if light|Un voyant s'allume pendant un envoi, et seulement alors.|A light is on while something is being sent, and only then.
sense.source|sense|object|sources|{1} : {2}.|{1}: {2}.
sense.simulated|sense|object|name simulated|Simulé ou rejoué, pas mesuré maintenant : {1}.|Simulated or replayed, not measured now: {1}.
sense.form|sense|object|if sensed|Ce sont des nombres, des oui ou non et de courts textes. Candor n'enregistre ni son ni image.|These are numbers, yes or no, and short texts. Candor records neither sound nor pictures.
sense.cannot|sense|object|absent|Aucun capteur déclaré ne perçoit : {1}.|No declared sensor senses: {1}.
never.charter|never|object|never|Quoi que demande la politique, ceci ne part sous aucune forme : {1}.|Whatever the policy asks for, this leaves in no form: {1}.
never.readable|never|object|never readable|Ceci ne part jamais lisible : {1}.|This never leaves readable: {1}.
never.unasked|never|object|unasked|Personne ne le demande, donc rien n'en part : {1}.|Nobody asks for it, so nothing of it leaves: {1}.
never.before|never|object|if asked|Rien de ce qui a été mesuré avant votre oui ne part.|Nothing that was measured before your yes leaves.
never.default|never|object|if planned|Sans votre oui, rien ne part. Un capteur nouveau, une règle inconnue ou illisible : rien ne part.|Without your yes nothing leaves. A new sensor, an unknown rule, one that can't be read: nothing leaves.
much.recipient|much|object|totals|{1}, tous usages ensemble : au plus {2} bits par jour, {3}.|{1}, all uses together: at most {2} bits a day, {3}.
much.ceiling|much|object|ceiling day|La charte ne permet pas plus de {1} bits par jour et par usage.|The charter allows no more than {1} bits a day for a use.
much.ceiling.presence|much|object|ceiling presence|Dont au plus {1} sur votre présence.|Of these at most {1} about your presence.
much.ceiling.recipient|much|object|ceiling recipient|Et pas plus de {1} bits par jour pour un même destinataire.|And no more than {1} bits a day for one recipient.
long.ceiling|long|object|length ceiling|La charte refuse toute demande de les garder plus de {1}.|The charter refuses any request to keep them longer than {1}.
whose.use|whose|maker|uses|{1} dit s'en servir pour ceci et rien d'autre : {2}.|{1} says that it uses them for this and nothing else: {2}.
whose.here|whose|object|if known|Toutes les mesures que l'objet garde, vous pouvez les voir, les copier et les effacer ici, gratuitement et sans demander à personne.|All readings that the object keeps you can see, copy and erase here, free of charge and without asking anyone.
protect.sealed|protect|object|if sealed|Ce qui attend de partir est chiffré dans l'objet.|What waits to leave is encrypted on the object.
protect.apart|protect|object|if apart|Les clés sont rangées à part : une copie des données sans elles est illisible.|The keys lie apart: a copy of the data without them can't be read.
protect.memory|protect|object|if memory|Les mesures brutes restent en mémoire vive : elles ne sont pas écrites dans l'objet.|Raw readings stay in working memory: they are not written on the object.
protect.history|protect|object|length history|Votre historique est chiffré, reste {1} sur cet objet, et n'en part pas.|Your history is encrypted, stays {1} on this object, and never leaves it.
protect.rules|protect|object|if signed|Les règles sont signées : un fichier modifié par un autre que le fabricant ne compte pas.|The rules are signed: a file changed by anyone but the maker does not count.
protect.unsigned|protect|object|if unsigned|Les règles ne sont pas signées : qui peut écrire leur fichier peut changer ce qui vous est demandé.|The rules are not signed: whoever can write their file can change what you are asked.
protect.ceilings|protect|object|if pledged|Les plafonds de la charte sont signés, avec une autre clé que les règles.|The charter's ceilings are signed, with another key than the rules.
protect.root|protect|object|if known|Qui a les droits d'administrateur sur l'objet peut changer ce programme ; rien ici ne l'en empêche.|Whoever has administrator rights on the object can change this program; nothing here prevents that.
thief.waiting|thief|object|if waiting|Les clés sont dans l'objet : qui vole l'objet entier peut lire ce qui attend de partir.|The keys are in the object: whoever steals the whole object can read what waits to leave.
thief.history|thief|object|if kept|Il peut lire aussi l'historique gardé pour vous.|They can read the history kept for you as well.
thief.nothing|thief|object|if empty|Qui vole l'objet n'y trouve aucune mesure : il n'y en a pas.|Whoever steals the object finds no reading in it: there is none.
thief.answers|thief|object|if software|Il peut lire vos réponses et la liste de ce qui est parti.|They can read your answers and the list of what left.
`

// routeTable is of the way to each recipient, of what lies there and of erasing: all recipients, or the one of a purpose.
const routeTable = `protect.way|protect|object|way tls|Jusqu'à {1}, les envois sont chiffrés (TLS).|On the way to {1} uploads are encrypted (TLS).
protect.open|protect|object|way open|Jusqu'à {1}, le trajet lui-même n'est pas chiffré.|The way to {1} is not itself encrypted.
protect.eyes|protect|object|way sealed|Seul {1} peut ouvrir les envois : ils sont scellés avec sa clé.|Only {1} can open the uploads: they are sealed with its key.
protect.broker|protect|object|way broker|Un relais les fait suivre à {1} et peut les lire.|A relay passes them on to {1} and can read them.
protect.pinned|protect|object|way pinned|L'objet vérifie qu'il parle bien à {1}, par une clé ou une autorité choisie d'avance.|The object checks that it speaks to {1}, by a key or an authority chosen beforehand.
protect.nowhere|protect|object|way none|Aucun chemin ne mène à {1} : rien ne lui parvient.|No way leads to {1}: nothing reaches it.
thief.base|thief|object|base|Qui vole la base du destinataire ({1}) y trouve au plus : {2}, sur {3}.|Whoever steals the recipient's database ({1}) finds at most: {2}, over {3}.
thief.nameless|thief|object|nameless|Rien de ce que cet objet envoie à {1} ne contient votre nom, votre courriel, votre téléphone ou votre adresse.|Nothing that this object sends to {1} holds your name, e-mail, phone number or address.
thief.named|thief|object|named|{1} sait de quel objet, ou de qui, cela vient : un voleur aussi.|{1} knows which object, or whom, it comes from: so does a thief.
erase.software|erase|object|if software|Effacer ici détruit les clés, par logiciel : d'anciennes cellules de la carte mémoire peuvent en garder des traces.|Erasing here destroys the keys, by software: old cells of the memory card may keep traces of them.
erase.there|erase|object|way any|Chez {1}, l'objet ne peut que demander l'effacement ; il insiste jusqu'à une confirmation signée et vous montre où cela en est.|At {1} the object can only ask for erasure; it insists until a signed confirmation and shows you how it stands.
`

// lawTable is what the law gives. About one purpose it names what hangs on its ground.
const lawTable = `whose.law|whose|law|law|La loi ne dit pas à qui sont ces données ; elle vous donne des droits sur elles (RGPD, art. 12 à 22).|The law does not say who owns these data; it gives you rights over them (GDPR art. 12 to 22).
law.see|rights|law|law|Voir ce qu'ils ont sur vous et en avoir copie (RGPD, art. 15).|See what they have about you and get a copy (GDPR art. 15).
law.correct|rights|law|law|Faire corriger (RGPD, art. 16).|Have it corrected (GDPR art. 16).
law.erase|rights|law|law|Faire effacer (RGPD, art. 17).|Have it erased (GDPR art. 17).
law.limit|rights|law|law|Faire suspendre l'usage (RGPD, art. 18).|Have its use suspended (GDPR art. 18).
law.carry|rights|law|law consent contract|Emporter vos données ailleurs (RGPD, art. 20).|Take your data elsewhere (GDPR art. 20).
law.withdraw|rights|law|law consent|Reprendre votre accord à tout moment, sans motif, aussi simplement que vous l'avez donné (RGPD, art. 7(3)).|Take your agreement back at any time, without a reason, as easily as you gave it (GDPR art. 7(3)).
law.object|rights|law|law legitimate-interests public-task|Vous opposer (RGPD, art. 21(1)).|Object (GDPR art. 21(1)).
law.marketing|rights|law|law marketing|Refuser toute prospection, à tout moment (RGPD, art. 21(2)).|Refuse marketing at any time (GDPR art. 21(2)).
law.profile|rights|law|law profiling|Ne pas être l'objet d'une décision entièrement automatique (RGPD, art. 22).|Not be decided about by machines alone (GDPR art. 22).
law.object-data|rights|law|law|Avoir les données de l'objet et les faire donner à qui vous voulez ; les petits fabricants en sont dispensés (règlement UE 2023/2854, art. 4, 5 et 7).|Have the object's data, and have them given to whom you like; small makers are exempt (Regulation (EU) 2023/2854, art. 4, 5 and 7).
law.complain|rights|law|name authority|Vous plaindre à l'autorité de contrôle : {1} (RGPD, art. 77).|Complain to the authority: {1} (GDPR art. 77).
rights.contact|rights|maker|name contact|Pour exercer ces droits : {1}.|To use these rights: {1}.
rights.address|rights|maker|address|Adresse : {1}, {2}.|Address: {1}, {2}.
`

// purposeTable is of one purpose. It looks at the policy, the compiled rules and the route, and not at what the person decided elsewhere.
const purposeTable = `why|why|maker|quote why|{1}|{1}
why.tags|why|maker|tags|Sert aussi à : {1}.|Also used for: {1}.
why.dpv|why|maker|name dpv|Catégorie de la finalité : {1} (vocabulaire DPV du W3C).|Category of the purpose: {1} (W3C Data Privacy Vocabulary).
return|return|maker|quote benefit|{1}|{1}
what.field|what|object|each|{1} : {2}.|{1}: {2}.
what.nothing|what|object|if nothing|Rien : aucun capteur d'ici ne mesure ce qui est demandé.|Nothing: no sensor here measures what is asked for.
what.else|what|object|if leaves|Rien d'autre ne part pour cet usage.|Nothing else leaves for this use.
when.upload|when|object|length upload|Un envoi {1}, à un moment tiré au hasard.|One upload {1}, at a time drawn at random.
when.stamp|when|object|length time|L'heure des mesures est arrondie : au plus fin, {1}.|The time of readings is rounded: {1} at the finest.
when.alike|when|object|room covered|Chaque envoi a la même taille ({1} octets, {2} lignes) et part même s'il n'y a rien à dire : ni sa longueur ni son absence ne vous trahit.|Each upload has the same size ({1} bytes, {2} rows) and goes even when there is nothing to tell: neither its length nor its absence gives you away.
when.room|when|object|room bare|Chaque envoi a la même taille ({1} octets, {2} lignes) ; s'il n'y a rien à dire, rien ne part, et cela peut se voir.|Each upload has the same size ({1} bytes, {2} rows); when there is nothing to tell nothing goes, and that can be seen.
when.length|when|object|if long|Attention : la longueur des envois peut dire si quelqu'un est là.|Mind: the length of uploads may tell whether somebody is at home.
how.inside|how|object|none exact|Le calcul se fait dans l'objet. Le détail des mesures n'en sort pas.|It is worked out inside the object. The detail of the readings does not leave it.
how.exact|how|object|fields exact|Sans arrondi : {1}.|Without rounding: {1}.
how.pseudonym|how|object|fields pseudonym|À la place de {1} part un nom inventé. La clé qui le fait ne quitte pas l'objet et change {2}.|In the place of {1} an invented name leaves. The key that makes it never leaves the object and changes {2}.
how.memory|how|object|if windows|Tant qu'une période n'est pas finie, son calcul reste en mémoire vive.|While a period is not over, its sums stay in working memory.
how.noted|how|object|if leaves|Chaque envoi est noté dans l'objet (candor sent).|Each upload is noted on the object (candor sent).
how.logic|how|maker|quote logic|Comment votre profil est fait : {1}|How your profile is made: {1}
where.nowhere|where|object|none place|Ni votre adresse ni votre position ne partent.|Neither your address nor your position leaves.
where.grid|where|object|fields grid|Seulement le carré où vous êtes : {1}.|Only the square you are in: {1}.
where.area|where|object|fields area|Seulement une zone déclarée : {1}.|Only a declared area: {1}.
where.position|where|object|fields position|Votre position part : {1}.|Your position leaves: {1}.
where.stored|where|maker|stored|Conservé dans ces pays : {1}.|Stored in these countries: {1}.
where.unsaid|where|object|if unsaid|La politique ne dit pas dans quel pays c'est conservé.|The policy does not say in which country it is stored.
where.safeguard|where|maker|name safeguard|Garantie hors de l'Espace économique européen : {1}.|Safeguard outside the European Economic Area: {1}.
long.kept|long|maker|length retention|{1} chez {2}, puis effacé.|{1} at {2}, then erased.
long.marked|long|object|if leaves|Chaque envoi porte la date où il doit être effacé.|Each upload carries the date by which it must be erased.
long.yes|long|object|length expires|Votre oui vaut {1}, puis redevient un non.|Your yes lasts {1}, then it is a no again.
who.recipient|who|maker|recipient|{1}.|{1}.
who.controller|who|maker|controller|{1} décide de leur usage.|{1} decides what they are used for.
who.onward|who|maker|name onward|Transmis ensuite à : {1}.|Passed on to: {1}.
who.nobody|who|maker|to kept|{1} dit ne les transmettre à personne.|{1} says that nobody else gets them.
who.contact|who|maker|name recipient|Contact du destinataire : {1}.|Contact of the recipient: {1}.
much.bits|much|object|bits|Au plus {1} bits par jour : {2}.|At most {1} bits a day: {2}.
much.presence|much|object|presence|Dont {1} bits peuvent dire si quelqu'un est là.|{1} of these bits may tell whether somebody is at home.
much.unknown|much|object|if unbounded|Sans limite connue : rien ne borne combien de fois le capteur parle.|Without a known limit: nothing bounds how often the sensor speaks.
much.note|much|object|if bounded|Ce nombre dit combien, pas à quel point c'est intime.|The number says how much, not how private it is.
name.number|name|object|number|Un numéro tiré au hasard, changé {1}.|A number drawn at random, changed {1}.
name.unknown|name|object|to unreached|Par les envois eux-mêmes, {1} ne peut relier que ceux d'un même numéro ; par la connexion, on ne peut pas le dire d'ici.|By the uploads themselves {1} can link only those of one number; whether by the connection, can't be told from here.
name.period|name|object|level L2|{1} peut relier les envois d'un même numéro, et pas d'un numéro au suivant : {2}.|{1} can link the uploads of one number, and not one number with the next: {2}.
name.lasting|name|object|level L1|{1} peut relier tous les envois de cet usage, même quand le numéro change : {2}.|{1} can link all uploads of this use, even when the number changes: {2}.
name.known|name|object|level L0|{1} sait de quel objet, ou de qui, viennent les envois : {2}.|{1} knows which object, or whom, the uploads come from: {2}.
name.address|name|object|to leaves|{1}, ou qui relaie l'envoi, voit votre adresse IP.|{1}, or whoever passes the upload on, sees your IP address.
name.claim|name|maker|claim|{1} annonce ne pas relier davantage que : {2}.|{1} states that it links no more than: {2}.
guess.presence.fine|guess|object|fields presence fine|{1} : quand quelqu'un est là, dort ou sort.|{1}: when somebody is at home, sleeps or goes out.
guess.presence.coarse|guess|object|fields presence coarse|{1} : combien on est là, pas à quelle heure.|{1}: how much somebody is at home, not at what hour.
guess.implied|guess|object|fields implied|{1} : assez fin pour deviner quand quelqu'un est là ou dort.|{1}: fine enough to guess when somebody is at home or asleep.
guess.environment.fine|guess|object|fields environment fine|{1} : quand vous chauffez, aérez ou éclairez.|{1}: when you heat, air or light the room.
guess.environment.coarse|guess|object|fields environment coarse|{1} : le climat de la pièce, pas ce que vous y faites à une heure donnée.|{1}: the climate of the room, not what you do there at a given hour.
guess.usage.fine|guess|object|fields usage fine|{1} : vos habitudes, ce dont vous vous servez, et quand.|{1}: your habits, what you use, and when.
guess.usage.coarse|guess|object|fields usage coarse|{1} : votre niveau de consommation, pas vos heures.|{1}: how much you use, not when.
guess.location|guess|object|fields location|{1} : où vous vivez, ou par où vous passez, aussi précisément que dit plus haut.|{1}: where you live or where you go, as precisely as said above.
guess.identity.pseudonym|guess|object|fields same|{1} : que le même revient pendant une période, pas qui c'est.|{1}: that the same one comes back within a period, not who it is.
guess.identity.readable|guess|object|fields identity|{1} : qui c'est.|{1}: who it is.
guess.contact|guess|object|fields contact|{1} : comment vous joindre, donc qui vous êtes.|{1}: how to reach you, and so who you are.
guess.health|guess|object|fields health|{1} : votre état de santé.|{1}: how your health is.
guess.count|guess|object|fields count|{1} : combien de fois, pas quoi.|{1}: how often, not what.
guess.time|guess|object|if leaves|Au fil des semaines, même des chiffres grossiers dessinent des habitudes.|Over weeks, even coarse figures draw habits.
ground.consent|ground|maker|basis consent|Votre accord (RGPD, art. 6(1)(a)).|Your agreement (GDPR art. 6(1)(a)).
ground.contract|ground|maker|basis contract|Un contrat avec vous (RGPD, art. 6(1)(b)).|A contract with you (GDPR art. 6(1)(b)).
ground.legal-obligation|ground|maker|basis legal-obligation|Une obligation légale (RGPD, art. 6(1)(c)).|A legal obligation (GDPR art. 6(1)(c)).
ground.vital-interests|ground|maker|basis vital-interests|Des intérêts vitaux (RGPD, art. 6(1)(d)).|Vital interests (GDPR art. 6(1)(d)).
ground.public-task|ground|maker|basis public-task|Une mission d'intérêt public (RGPD, art. 6(1)(e)).|A task in the public interest (GDPR art. 6(1)(e)).
ground.legitimate-interests|ground|maker|basis legitimate-interests|Un intérêt légitime (RGPD, art. 6(1)(f)).|A legitimate interest (GDPR art. 6(1)(f)).
ground.interest|ground|maker|quote interest|L'intérêt poursuivi : {1}|The interest pursued: {1}
access.consent|ground|maker|if consent|L'objet est lu avec votre accord (directive ePrivacy, art. 5(3)).|The object is read with your agreement (ePrivacy directive, art. 5(3)).
access.service|ground|maker|name needed|L'objet est lu parce que le service « {1} », que vous avez demandé, en a besoin (directive ePrivacy, art. 5(3)).|The object is read because the service "{1}", which you asked for, needs it (ePrivacy directive, art. 5(3)).
no.nothing|no|object|to leaves|Sans votre oui, rien de tout cela ne part, et {1} n'apprend pas votre non.|Without your yes nothing of this leaves, and {1} does not learn of your no.
no.quiet|no|object|length quiet|Après un non, on ne vous le redemande pas avant {1}.|After a no you are not asked again for {1}.
no.free|no|object|if free|Dire non n'éteint rien d'autre dans cet objet.|A no switches nothing else on this object off.
no.service|no|maker|name service|Dire non éteint le service « {1} ».|A no switches the service "{1}" off.
no.otherwise|no|maker|quote otherwise|{1}|{1}
no.back|no|object|back|Vous reprenez votre oui d'un geste, ici ou par candor consent withdraw {1}. Plus rien ne part, ce qui attendait est détruit, et l'objet demande à {2} d'effacer ce qu'il a, jusqu'à ce qu'il le confirme.|You take your yes back in one gesture, here or with candor consent withdraw {1}. Nothing leaves any more, what was waiting is destroyed, and the object asks {2} to erase what it has until it confirms.
`

// mineTable is of the history that the object keeps for the person. The object alone speaks: nobody else has a part in it.
const mineTable = `mine.why|why|object|if mine|Garder pour vous ce que l'objet mesure, et une copie lisible de ce qui est parti.|To keep for you what the object measures, and a readable copy of what left.
mine.return|return|object|if mine|Vous pouvez revoir vos mesures, les exporter et vérifier ce qui est parti.|You can look at your readings again, export them, and check what left.
mine.what|what|object|mine|{1} : chaque valeur, telle que mesurée.|{1}: every value, as measured.
mine.where|where|object|if mine|Sur cet objet seulement. Rien n'en part, pour personne.|On this object only. Nothing of it leaves, for anyone.
mine.long|long|object|length days|{1}, puis effacé.|{1}, then erased.
mine.longer|long|object|length longer|Il est demandé de garder {1} ; cela attend un nouveau oui.|{1} are asked for now, which waits for a new yes.
mine.much|much|object|if mine|Pour les autres, rien : 0 bit.|For others nothing: 0 bits.
mine.who|who|object|if mine|Vous, et qui a l'objet en main avec vos droits.|You, and whoever holds the object with your rights.
mine.ground|ground|object|if mine|Votre accord.|Your agreement.
mine.no|no|object|if mine|Sans votre oui, les mesures brutes ne restent qu'en mémoire vive et disparaissent à l'arrêt.|Without your yes raw readings stay in working memory only and are gone when the object stops.
mine.back|no|object|if mine|Vous reprenez votre oui d'un geste (candor consent withdraw mine). L'historique est alors détruit, sauf si vous le gardez.|You take your yes back in one gesture (candor consent withdraw mine). The history is then destroyed, unless you keep it.
`

// reasons are why a predicate does not hold, for who checks the object. Those that are not there have a general one.
const reasons = `if paused|it is not paused
if quiet|a yes is in force, or it is paused
now|no yes is in force, or it is paused
last|nothing has left yet
if light|the object has no such light, or it does not work
sources|it is not known what it can sense
if sensed|it is not known what it can sense
absent|it senses all of this, or it is not known what it can sense
never|the charter forbids nothing
never readable|the charter forbids nothing to be readable
unasked|every field is asked for, or it is not known what there is
if asked|nothing is asked for
totals|nothing can leave, or nothing bounds how often a sensor speaks
ceiling|the charter sets no such ceiling
length|no such length is set
if known|nothing is known of the object
if sealed|what waits is not encrypted, or it is not known
if apart|the keys lie with the data, or it is not known
if memory|a history is kept, or what waits to leave is as it was measured
if signed|the policy is not signed
if unsigned|the policy is signed, or there is none
if pledged|the charter is not signed
if waiting|nothing waits to leave, or it is not known
if kept|no history is kept, or it is not known
if empty|readings may lie on the object, or it is not known
if software|another assurance of erasing holds, or none is known
way|no recipient has such a route, or routes are not known
base|nothing can leave for any recipient
nameless|a recipient knows or may know which object it is, or a field that names somebody leaves readable
named|no recipient knows which object it is
law|the controller is not in the European Economic Area, or no purpose gives this right
quote|the policy does not say
name|the policy does not say
if nothing|something of it can be sensed
if leaves|nothing of it can leave here
each|nothing of it can leave here
to leaves|nothing of it can leave here
room|the purpose has no such room
if long|uploads have one size, or nothing of it tells who is at home
none|such a field leaves, or none does
fields|no field that would leave is so
if windows|single readings leave, or nothing does
if unsaid|the policy says where it is stored
to kept|the policy names whom it is passed on to
bits|nothing leaves, or nothing bounds how often the sensor speaks
if bounded|nothing leaves, or nothing bounds how often the sensor speaks
presence|no part of it tells who is at home, or nothing bounds it
if unbounded|it is bounded, or nothing leaves
number|the recipient knows which object it is, whatever the number
to unreached|it is known how the recipient is reached, or the uploads themselves tell more
level|it can link more, or less, or it is not known how it is reached
basis|it rests on another ground
if consent|the object is read on another ground
if free|a service hangs on it
back|the purpose is refused: there can be no yes to it
if mine|nothing is measured here
mine|nothing is measured here
`
