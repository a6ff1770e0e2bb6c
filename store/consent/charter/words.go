package charter

// kindWords say what a sensor's kind measures.
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

// classWords name a class of data.
const classWords = `environment|ambiance|surroundings
usage|usage|use
presence|présence|presence
location|position|location
identity|identité|identity
contact|coordonnées (courriel, téléphone, adresse)|contact details (e-mail, phone, address)
health|santé|health`

// roleWords say what a recipient is.
const roleWords = `controller|qui décide de leur usage|which decides what they are used for
joint-controller|qui décide avec d'autres de leur usage|which decides with others what they are used for
processor|qui agit pour le compte d'un autre|which acts for somebody else
third-party|un tiers|a third party`

// tagWords say what else data is used for.
const tagWords = `marketing|la prospection|marketing
profiling|le profilage|profiling
data-sale|la vente de données|the sale of data`

// countryWords name the countries of the European Economic Area, and some that data goes to.
const countryWords = `AT|Autriche|Austria
BE|Belgique|Belgium
BG|Bulgarie|Bulgaria
CH|Suisse|Switzerland
CN|Chine|China
CY|Chypre|Cyprus
CZ|Tchéquie|Czechia
DE|Allemagne|Germany
DK|Danemark|Denmark
EE|Estonie|Estonia
ES|Espagne|Spain
FI|Finlande|Finland
FR|France|France
GB|Royaume-Uni|United Kingdom
GR|Grèce|Greece
HR|Croatie|Croatia
HU|Hongrie|Hungary
IE|Irlande|Ireland
IN|Inde|India
IS|Islande|Iceland
IT|Italie|Italy
JP|Japon|Japan
LI|Liechtenstein|Liechtenstein
LT|Lituanie|Lithuania
LU|Luxembourg|Luxembourg
LV|Lettonie|Latvia
MT|Malte|Malta
NL|Pays-Bas|Netherlands
NO|Norvège|Norway
PL|Pologne|Poland
PT|Portugal|Portugal
RO|Roumanie|Romania
SE|Suède|Sweden
SI|Slovénie|Slovenia
SK|Slovaquie|Slovakia
US|États-Unis|United States`

// levelWords say what a recipient states that it can link.
const levelWords = `L0|cet objet (L0)|this object (L0)
L1|tous les envois d'un usage (L1)|all uploads of one use (L1)
L2|les envois d'un même numéro (L2)|the uploads of one number (L2)`

// things are what objects can be made to sense, by the kinds that sense it. None of them is sensed where no sensor has such a kind.
const things = `latitude longitude altitude speed area|votre position|your position
occupancy motion contact people|la présence et les allées et venues|presence, comings and goings
badge identity email phone address|qui vous êtes|who you are
heart-rate weight|votre santé|your health
sound-level|le bruit|noise
illuminance|la lumière|light`

// partWords are the labels of the parts.
const partWords = `why|pourquoi|why
return|pour vous|for you
what|quoi|what
when|quand|when
how|comment|how
where|où|where
long|combien de temps|how long
who|qui|who
much|combien|how much
name|sous quel nom|under which name
guess|ce qui se devine|could be guessed
ground|sur quelle base|on what ground
no|un non|a no
now|en ce moment|right now
sense|ce qu'il perçoit|what it can sense
never|ne part jamais|never leaves
whose|à qui|whose data
protect|protection|protection
thief|en cas de vol|if stolen
erase|effacer|erasing
rights|vos droits|your rights`
