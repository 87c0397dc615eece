# score: >=90%
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
Message: My marriage certificate got wet, may I have another?
This message is about certificates.

Message: Magkano ang business tax ng sari-sari store?
This message is about taxes.

Message: My baby needs a vaccine and the nurse was not there.
This message is about health.

Message: Sira po ang street light at lubak ang kalsada namin.
This message is about roads.

Message: Our trash has not been picked up since Monday.
This message is about garbage.

Message: {message}
This message is about
""".strip()
