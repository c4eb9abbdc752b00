"""What the five invented outlets of the Dagster tests report: days ago, outlet, headline, text. Nobody real is quoted."""

OUTLETS = ("Harbour Courier", "Lakeside Ledger", "Northgate Review", "Copperfield Post", "Saltmarsh Gazette")

REPORTS = (
    # Two days before the edition.
    (3, 0, "Ostmark regulator opens inquiry into AI chip exports",
     "The trade regulator of Ostmark opened an inquiry into exports of artificial intelligence chips on Monday. "
     "It will examine 14 shipments that left the port of Velden in March."),
    (3, 1, "Novelists sue Brightloom over AI training data",
     "Eleven novelists sued the start-up Brightloom in the district court of Harrow County, claiming that its large "
     "language model was trained on pirated copies of 212 books. Brightloom says that the training was fair use."),
    (3, 2, "Hospital in Aldmoor lets an AI model read X-rays at night",
     "The general hospital in Aldmoor uses an artificial intelligence model to read chest X-rays at night. "
     "Radiologists confirmed 96 percent of its findings in a trial with 1,300 patients."),
    (3, 3, "Court asks Brightloom for its list of books",
     "A judge in Harrow County ordered Brightloom to hand over the list of books that its AI model was trained on "
     "within 30 days."),
    (3, 4, "Ferrin Systems delays its AI accelerator",
     "Ferrin Systems delayed its next AI accelerator chip by four months because of a fault in the memory stack."),
    # The day before the edition.
    (2, 0, "Brightloom hands over 180 titles in copyright case",
     "Brightloom gave the court a list of 180 titles that its AI model was trained on, 32 fewer than the novelists "
     "named. The authors' lawyer said that the list was incomplete."),
    (2, 1, "Copyright office publishes guidance on AI training",
     "The copyright office of Ostmark published guidance on training artificial intelligence with protected works. "
     "It says that a licence is needed when a model can reproduce more than 40 words of a work."),
    (2, 2, "Aldmoor hospital extends AI reading of X-rays to children",
     "The hospital in Aldmoor extended its AI model for chest X-rays to children above six years of age. "
     "Parents must agree in writing, the hospital said."),
    (2, 3, "Velden port finds two AI chip shipments without papers",
     "Customs officers at the port of Velden found two shipments of AI chips without export papers. "
     "The chips were worth 9 million dollars, the regulator said."),
    (2, 4, "Libraries warn that AI licences could cost them 5 million",
     "The association of libraries in Ostmark warned that licences for artificial intelligence could cost its members "
     "5 million dollars a year."),
    # The day of the edition.
    (1, 0, "Judge rules that Brightloom must license novels for AI training",
     "A judge in Harrow County ruled on Thursday that Brightloom needs a licence to train its artificial intelligence "
     "model on the novels of the eleven plaintiffs. The company must pay 3.2 million dollars and may appeal within "
     "six weeks."),
    (1, 1, "Brightloom loses AI copyright case, will appeal",
     "Brightloom lost the copyright case that eleven novelists had brought over the training of its AI model. "
     "The ruling requires a licence for every one of the 212 books, and the company announced an appeal."),
    (1, 2, "Novelists welcome the Brightloom ruling on AI training",
     "The eleven novelists welcomed the ruling against Brightloom, their lawyer Ines Marlow told reporters in Harrow. "
     "She expects 40 further lawsuits against makers of AI models this year."),
    (1, 3, "Ostmark parliament debates a copyright levy on AI models",
     "The parliament of Ostmark debated a levy of 2 percent on the sales of artificial intelligence models, to be paid "
     "to authors. The justice minister called for a vote before the end of June."),
    (1, 4, "Justice minister backs copyright levy on AI, industry objects",
     "Justice minister Paul Reyland backed the copyright levy of 2 percent on AI models in parliament. "
     "The software association said that the levy would drive 300 start-ups abroad."),
    (1, 0, "Software association: copyright levy on AI would cost 90 million",
     "A copyright levy on artificial intelligence models would cost companies in Ostmark 90 million dollars a year, "
     "the software association estimates. It urged parliament to wait for the appeal in the Brightloom case."),
    (1, 1, "Court in Lindow bars lawyer who cited cases an AI invented",
     "A court in Lindow fined a lawyer 4,000 dollars because his brief cited six judgments that an AI chatbot had "
     "invented. Judge Carla Voss wrote that a licence to practise is a duty to read."),
    (1, 2, "Lindow bar association writes AI rules after invented citations",
     "The bar association of Lindow adopted rules for artificial intelligence after a lawyer cited six judgments that "
     "do not exist. Lawyers must check every citation of a chatbot and say so in the brief."),
    (1, 3, "Law school in Harrow teaches students to check AI citations",
     "The law school in Harrow requires a course on checking the citations of AI chatbots from autumn on. "
     "Dean Ruth Okafor said that two graduates had lost cases over invented judgments."),
    (1, 4, "Aldmoor hospital reports on a year of AI X-ray reading",
     "The hospital in Aldmoor reported that its artificial intelligence model found 41 lung tumours that doctors had "
     "missed at first, in one year. It was wrong in 3 percent of the cases."),
    (1, 2, "Ferrin Systems ships AI accelerator to first customers",
     "Ferrin Systems shipped its delayed AI accelerator chip to three customers on Thursday. "
     "It needs 18 percent less power than the model before, the company said."),
    (1, 3, "Velden port lets AI chip shipments go",
     "The port of Velden released 12 of 14 shipments of AI chips after an inquiry of two months. "
     "Two stay with customs, the regulator of Ostmark said."),
)  # fmt: skip
