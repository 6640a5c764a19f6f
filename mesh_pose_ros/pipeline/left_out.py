"""
Why a box became nobody.

Whoever drops a box counts it under one of these sentences, so that commands and diagnostics can
say why an image with boxes shows no people.
"""

UNSEEN = 'the camera cannot look there'
UNSURE = 'the network is less than {least:g} sure of a person (option score of its card)'
NOT_PLACED = 'the joints fit no place in front of the camera'
NOBODY = "no person has such a pose, or it is another's (option plausible of the model's card)"
