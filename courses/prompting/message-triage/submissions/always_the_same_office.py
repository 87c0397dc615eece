# score: <=85% loses unseen-routing
# %% solution="template"
TEMPLATE = """
"The guard was kind and showed us the right window."
-> praise

"Our drain has been blocked since May and nobody answers."
-> complaint

"Which papers do I need for a permit?"
-> question

"Maraming salamat po, ang bilis ninyong kumilos."
-> praise

"Sira na naman ang ilaw at walang pumupunta."
-> complaint

"Kailan po bukas ang tanggapan?"
-> question

"Super helpful ng staff, thank you po!"
-> praise

"Two hours na kaming naghihintay, nakakainis."
-> complaint

"Pwede po bang magbayad online?"
-> question

"Natuwa po kami sa maayos na serbisyo."
-> praise

"Ang baho ng basura, ilang linggo nang hindi kinukuha."
-> complaint

"Magkano po ang bayad sa clearance?"
-> question

"{message}"
->
""".strip()

# %% solution="routing"
ROUTING = """
Message: I lost my birth certificate and need a copy.
Office: garbage

Message: Nobody has collected our trash for a week.
Office: garbage

Message: {message}
Office:
""".strip()
