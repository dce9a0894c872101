"""Small words that tell a language: English, and Urdu and Hindi typed in Latin letters.

Spelling is free where a language is typed in another script than its own, so each word stands in
the forms that are common. What English has as well (to, main, is, par, hay, the) is left out.
"""


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


HINDUSTANI_PARTICLES = _words("""
    ab ap aj key kia jo jee ji le se ko na ya kar har ek mai mein sab lao ka ki ke hum tab mat
    tum ho hi de tha thi
""")
"""So short that other languages have most of them as well, and names: each counts half."""

HINDUSTANI_SHARED = HINDUSTANI_PARTICLES | _words("dein hai tak karen mere mile jab agar iss")
"""Also words or names of other languages: one or two alone prove nothing."""

HINDUSTANI = HINDUSTANI_SHARED | _words("""
    kay kai kou liye liay liyay saath sath baghair aur lekin
    magar kyunke kyunkay kyunki kyun kyon tou toh phir phr bhi bhe nahi nahin nai nhi aap
    mera meri meray hamara hamari hamare hamaray humara humari humare humaray tumhara
    tumhari tumhare tumharay tumharey aapka aapki aapke aapkay apna apni apne apnay woh yeh
    uss unka unki unke inka inki inke jinka jinki jinke kiska kiski koi kuch kuchh kya kaun kab
    kahan jahan yahan wahan kaise kaisa kaisi jaise jaisa jaisi jitna jitni utna utni hain
    hein hoga hogi honge hojaye hojaaye hojaega hosakay hosakey hona hota hoti hote karo
    karein karain karna karta karti karte karke raha rahi rahe rahay rahein raho rakhein
    rakho gaya gayi jaye jaaye jaao aaye aaya aayi aao aaj abhi aik bohat bohot buhat bahut
    zyada ziada sirf wala wali wale walay banao banaye banayein banaein banayen diya dijiye
    kijiye lijiye chahiye chahiyay sakta sakti sakte taakay taake bolo bolega chalti khanay
    khaney khane baad kabhi hamesha apko milay laye tujhe mujhe humein hamein tumhein aapko
    apno apnon khud doosra doosri doosre doosray dusra dusre kisi unhein inhein thay pehla pehle
    pehli sabse uske iske jiska jiski isliye warna balke bilkul
""")

ENGLISH = _words("""
    a about after all also always am an and any are as at back be
    because been before being but by can come could did do does don down every find first for
    from get give go good got had has have he help her here him his how i if in into is it its
    just keep know let like ll look make many may me more most much must my need never new no
    not now of off on one only or other our out over own please re s see she should so some such
    t take than thank thanks that the their them then there these they this those through time
    to today too try up us use ve very want was way we well were what when where which while who
    why will with without would you your yours
""")
