package charter

import "strings"

// kindText says what a kind is.
func kindText(kind string) Text {
	for line := range strings.Lines(kindWords) {
		if words := strings.Split(strings.TrimSpace(line), "|"); words[0] == kind {
			return both(words[1], words[2])
		}
	}
	return same(kind)
}

const kindWords = `temperature|température|temperature
humidity|humidité|humidity
pressure|pression|air pressure
illuminance|lumière|light
co2|CO2 de l'air|CO2 in the air
voc-index|qualité de l'air|air quality
particulates|poussières fines|fine dust
sound-level|niveau sonore|sound level
temperature-raw|température brute|raw temperature
voltage|tension électrique|voltage
current|courant électrique|electric current
power|puissance électrique|electric power
energy|énergie consommée|energy used
volume|volume consommé|volume used
occupancy|présence|presence
motion|mouvement|movement
contact|porte ou fenêtre ouverte|door or window open
switch|interrupteur|switch
count|compteur|counter
people|nombre de personnes|number of people
latitude|position (latitude)|position (latitude)
longitude|position (longitude)|position (longitude)
altitude|altitude|altitude
distance|distance|distance
speed|vitesse|speed
acceleration|accélération|acceleration
angular-velocity|vitesse de rotation|rotation
magnetic-flux-density|champ magnétique|magnetic field
angle|angle|angle
heart-rate|rythme cardiaque|heart rate
weight|poids|weight
ratio|rapport|ratio
number|nombre|number
badge|badge|badge
identity|identité|identity
email|adresse électronique|e-mail address
phone|numéro de téléphone|phone number
address|adresse postale|postal address
area|zone|area
label|mention|label`
