"""Who may do what: rules in one file, and the proofs that people, programs and cameras present.

::

    gate          the credentials of each request's head become a principal
    admission     the access of one WebSocket, which a message may prove or renew
    access        the rules that hold now, and every proof that is checked against them
    guessing      refusals of guesses wait longer and longer
    providers     people who have signed in at a proxy (header_sign_on), bearers of tokens (jwt, jwt_keys)
    sessions      who is connected as what, so that access can end at once
    history_audit who sees old frames of which camera
    watcher       reads the file again when it changes, and ends what is no longer allowed
    changes       what administrators do: make and revoke keys, users and links
    records       the file of rules
    keys, passwords, tickets    one kind of proof each
"""
