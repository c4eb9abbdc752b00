"""Ordinary English words that are capitalised in headlines or at the start of a sentence without being names.

A hand-made list: it decides only whether a capital letter may be a name, never what a word means.
"""

from __future__ import annotations

ORDINARY = frozenset(
    """a about above according across act acts add added adding adds adopt adopts advice after again against age agency agent agents ago
    agree agreed agreement ahead aim aims air alert alerts algorithm all allegedly allow allows almost alone along already also although
    always am amid among an analysis analyst analysts and announce announced announces announcing annual another answer answers any anyone
    anything api app apps appeal are area army around artificial as ask asked asking asks at attack attacks attempt august authors
    automation available average avoid award away back backed backs bad bail ban band bank banks banned bans based basic battle be became
    because become becomes been before began begin begins behind being believe below benchmark benchmarks best bet bets better between
    beyond bid big bigger biggest bill billion bills black block blocks blog board bold book books boost boosts boss both bots boycott
    break breaking breaks brief bring bringing brings broad budget bug build builder building builds built bubble business but buy buying
    buys by calculator call called calling calls camera campaign can cannot capital car care cars case cases cash cause center centers
    centre centres ceo century challenge challenges chance change changed changes changing chart charts chat chatbot chatbots cheap check
    chief child children chip chips choice city claim claimed claims class clean clear clinic close closer cloud clouds club code coder
    coders coding come comes coming comment comments committee common community companies company compare compared compute computer
    concern concerns confirm confirms consider consumer consumers content control controls cooling copyright cost costs could council
    count country couple course court courts cover create created creates creating creator creators credit crime crisis critics culture
    current customers cut cuts cutting cyber daily damage danger data date day days deadline deal deals death debate debt decade december
    decide decides decision deep defence defense delay delays delivers demand demands deploy design designed desktop despite detail details
    dev developer developers development device devices did die different digital directly director discover disease do doctor doctors
    does doing done don't doubt down dozen draft drive driven drives driving drone drones drop drops due during each earlier early earnings
    ease easier east easy economic economy edge editor education effect effort efforts either election else email emergency employee
    employees empty end ends energy engine engineer engineering engineers enough enter enterprise enters entire error essay europe's even
    event ever every everyone everything evidence exactly exclusive executive executives expand expands expect expected expects expert
    experts explain explained explains exploring export exports expose exposes extra face faces facing fact facts fail failed fails fake
    fall falls false family far fast faster fear fears feature features february federal feds feel few fewer field fight fights file files
    filing film films final finally finance financial find finding finds fine fire firm firms first five fix flaw flaws focus follow
    following follows food for force forces forget form former found founder founders four fraud free friday friend from front frontier full
    fun fund funding funds further future gain gains game games gap gas gave general generate generated generative get gets getting giant
    giants give given gives giving global go goal goes going gold good got govern government governments grab great green grid group groups
    grow growing grows growth guide had half hall hand hands hard hardware has have having he head health hear heart heat help helping helps
    her here here's high higher his history hit hits hold holds home hope hopes host hot hour hours house how however huge human humans
    hundreds hype i idea ideas if ignore image images impact import improve in inc include includes including income increase independent
    industry inference inflation info infrastructure inside insider instead insurance intelligence intelligent interest internal internet
    interview into introduce introduces introducing invest investment investor investors is issue issues it it's its january job jobs join
    joins judge judges july june just keep keeps key kids kill kills kind know known knows lab labor labour labs lack land language large
    larger largest last late later latest launch launched launches launching law lawmakers laws lawsuit lawsuits lawyer lawyers lay layoffs
    lead leader leaders leading leads leak leaked leaks learn learned learning least leave leaves left legal less lessons let let's letter
    level license life light like likely limit limits line link linked list listen little live lives living local long longer look looking
    looks loses losing loss losses lost lot love low lower machine machines made mainly major majority make maker makers makes making man
    managed manager managers many march market markets mass massive may maybe me mean means meanwhile measure medical meet meeting meets
    memory men merger message met might military million millions mind mini minister mission mixed mobile model models modern monday money
    month months more morning most mostly move moved moves movie moving much multiple music must my name nation national near nearly need
    needed needs network networks never new news newsletter next night nine no nobody none not note notes nothing november now nuclear number
    numbers nurse nurses october of off offer offering offers office officer official officials often oh oil ok old on once one ones online
    only open opens operating operation opinion or order orders organizations other others our out outage over own owner owners page paid
    paper papers parents part partner partners partnership party pass past patent patents patient patients pay paying pays people per percent
    perhaps person personal phone phones photo photos physical pick pilot place plan planned planning plans plant platform platforms play
    please plus point points police policy political poll pool poor popular port post posts potential power powered powers practice predict
    prepare present president press pressure pretty prevent price prices pricing privacy private pro probably problem problems process
    product production products professor profit program programming programs progress project projects promise promises prompt proof
    proposal propose proposed proposes protect protest proves provide public publish published publishers pull pulls push pushes put puts
    quality quarter question questions quick quiet quietly race raise raised raises raising rally rate rates rather read reading ready real
    really reason reasoning reasons recall receive recent record records red reduce region regional regulation regulator regulators reject
    related release released releases rely remain remains remote remove rent replace replaced replaces report reported reportedly reporter
    reports request require required requires research researcher researchers reset residents response rest result results return returns
    reveal revealed reveals revenue reverse review reviews rewrite right rights rise rises rising risk risks rival rivals road robot robotics
    robots role room round route rule rules run running runs rush safe safer safety said sale sales same saturday save saved saves say saying
    says scale school schools science scientist scientists score screen search season second secret secretary sector secure security see seeing
    seek seeks seem seems seen self sell selling sells senate senator senior sense september series serious server servers service services
    set sets settle settles seven several shape share shares she shift ship ships shock shop short shot should show showed showing shows shut
    side sign signal signals signs simple since single site sites six size slow slows small smart smarter so social society software solar
    sold solution some someone something soon source sources south sovereign space speak special speech speed spend spending spent split
    spoke staff stage stake stand standard standards star start started starting starts startup startups state statement states stay step
    steps still stock stocks stop stopped stops storage store stores story strategy street strike strong student students studies studio
    study sue sued sues sunday supply support supports sure surge survey sweep switch system systems take takes taking talk talking talks
    target targets task tasks tax teach teacher teachers team teams tech technical technology teens tell telling tells ten term terms test
    tested testing tests text than thanks that that's the their them then there there's thermal these they they're thing things think
    thinking third this those though thought thousands threat threatens threats three through thursday time times tiny tip tips title to
    today together told tomorrow too took tool tools top total touch tough toward track trade traffic train trained training trains transfer
    translation treasury trial trillion trip trouble true trust truth try trying tuesday turn turned turning turns two type typical
    ultimately under understand understanding unions unit united unlike until unveil unveiled unveils up update updated updates upgrade
    urge urges us use used useful user users uses using valuation value vast version very via video videos view virtual virus vision voice
    vote voters votes vs wage wait want wants war warn warned warning warnings warns was watch watchdog water way ways we weapon weapons wearable
    web website wednesday week weekend weekly weeks well went were west what what's when where whether which while white who whole whom
    whose why wide will win wins winter wire wise wish with within without women won word words work worked worker workers workforce
    working works world worried worries worry worse worst worth would write writer writers writing wrong year years yes yesterday yet you
    you're young your zero apart whoever further away nobody reports carried comes side stand stood headlines with
    headline louder usual voices share breadth evidence quotable argues argued wrote asked linked elsewhere beyond
    nothing quotations argument""".split()
)
MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
         "september sep sept", "october oct", "november nov", "december dec"), start=1)
    for name in names.split()
}  # fmt: skip
WEEKDAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
NUMBER_WORDS = {
    word: number
    for number, word in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
        nineteen twenty""".split()
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "dozen": 12}
MULTIPLIERS = {"hundred": 1e2, "thousand": 1e3, "k": 1e3, "million": 1e6, "mn": 1e6, "m": 1e6, "mio": 1e6, "billion": 1e9,
               "bn": 1e9, "b": 1e9, "trillion": 1e12, "tn": 1e12, "t": 1e12}  # fmt: skip
