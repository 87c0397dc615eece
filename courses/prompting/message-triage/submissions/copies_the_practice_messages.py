# score: <=35%
# %% solution="template"
TEMPLATE = """
Message: Thank you for fixing the traffic light near the school so fast.
Type: praise

Message: The lady at the information desk was lovely and explained everything.
Type: praise

Message: The bus stop roof has been broken since June and we get soaked.
Type: complaint

Message: I paid the fee but my name is still not on the list. Very disappointing.
Type: complaint

Message: Where can I get a copy of my tax declaration?
Type: question

Message: Do I need an appointment for a passport photo?
Type: question

Message: Salamat po sa libreng gamot para sa aking lola.
Type: praise

Message: Ang ingay ng videoke ng kapitbahay gabi-gabi at walang sumasaway.
Type: complaint

Message: Kailan po magsisimula ang bayaran ng buwis?
Type: question

Message: Ang galing ng rescue team ninyo, super salamat po!
Type: praise

Message: Walang parking sa munisipyo tapos ang init pa ng waiting area.
Type: complaint

Message: Pwede po bang i-claim ng asawa ko ang ID ko?
Type: question

Message: {message}
Type:
""".strip()
