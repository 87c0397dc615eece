# score: >=90%
# %% solution="template"
TEMPLATE = """
"The staff were polite and finished my papers in ten minutes." is a praise.
"My street has been dark for a month and nobody comes." is a complaint.
"What time does the office open?" is a question.
"Salamat po, napakaayos ng serbisyo ninyo." is a praise.
"Ang bagal ng proseso, sayang ang oras namin." is a complaint.
"Saan po kukuha ng form?" is a question.
"Mabait at matulungin po ang inyong mga kawani." is a praise.
"Hindi po dumating ang trak at mabaho na ang basura." is a complaint.
"Magkano po ang bayad at ano ang kailangang dalhin?" is a question.
"Good job po, ang bilis at ang linis na ng lugar!" is a praise.
"Walang update hanggang ngayon, sobrang tagal at nakakainis." is a complaint.
"Pwede po ba online or kailangan pumunta?" is a question.
"{message}" is a
""".strip()
