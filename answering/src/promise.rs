//! Promises and claims of actions that nothing stands behind: the desk's AI only talks.

use regex::RegexSet;
use std::sync::LazyLock;

/// How a sentence promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// The assistant claims or promises an act of its own: never true.
    Own,
    /// The desk is said to act: true only where a passage says exactly so.
    Desk,
}

/// The promise that a sentence makes, if it makes one.
pub(crate) fn promise(sentence: &str) -> Option<Promise> {
    let lower = sentence.to_lowercase().replace('’', "'");
    if OWN.is_match(&lower) { Some(Promise::Own) } else { DESK.is_match(&lower).then_some(Promise::Desk) }
}

#[expect(clippy::expect_used, reason = "the patterns are constants and every test compiles them")]
fn compiled(patterns: &[&str]) -> RegexSet {
    const DONE: &str = r"(?:cancell?ed|refunded|changed|updated|booked|deleted|removed|reset|upgraded|downgraded|issued|processed|escalated|forwarded|sent|contacted|emailed|credited|reimbursed|scheduled|notified|unlocked|transferred|created|opened|submitted|placed|applied|initiated|informed|passed|added|arranged|ordered|activated|deactivated|approved|extended|waived|resolved|fixed)";
    const DO: &str = r"(?:cancel|refund|change|update|book|delete|remove|reset|upgrade|downgrade|issue|process|escalate|forward|send|contact|email|call|phone|credit|reimburse|schedule|notify|unlock|transfer|create|open a|submit|place|apply|initiate|inform|pass|add|arrange|order|activate|approve|extend|waive|resolve|fix|get back to|follow up|look into|check with|reach out|have someone|let the|make sure|take care of)";
    let patterns = patterns.iter().map(|pattern| pattern.replace("DONE", DONE).replace("DO", DO));
    RegexSet::new(patterns).expect("the patterns are valid")
}

static OWN: LazyLock<RegexSet> = LazyLock::new(|| {
    compiled(&[
        r"\bi(?:'ve| have)(?: just| now| already| successfully| gone ahead and| also)* DONE\b",
        r"\bi (?:just |already |now )?(?:cancell?ed|refunded|escalated|forwarded|reimbursed|credited|upgraded|booked|notified)\b",
        r"\bi(?:'ll| will| am going to|'m going to| shall)(?: now| personally| also| immediately| gladly| go ahead and)* DO\b",
        r"\bi(?:'m| am) (?:now |just )?(?:cancelling|canceling|refunding|processing|escalating|forwarding|booking|updating|transferring|issuing)\b",
        r"\bi (?:promise|guarantee)\b",
        r"\byour (?:refund|order|subscription|account|payment|plan|request|booking|appointment|ticket)\b.{0,30} (?:has (?:now |just )?been|is being) (?:successfully )?DONE\b",
        r"\bich (?:habe|hab)\b.*\b(?:storniert|gekündigt|erstattet|geändert|gelöscht|gebucht|weitergeleitet|zurückgesetzt|gesendet|geschickt|aktualisiert|veranlasst|beantragt|informiert|eingeleitet|gutgeschrieben|freigeschaltet|bestellt|hinterlegt)\b",
        r"\bich (?:werde|kümmere mich|storniere|kündige|erstatte|leite|veranlasse|verspreche|garantiere)\b",
        r"\bj'ai (?:bien |déjà |aussi )?(?:annulé|remboursé|modifié|supprimé|réservé|transmis|envoyé|réinitialisé|mis à jour|traité|contacté|effectué|résilié|changé|crédité|demandé)\b",
        r"\bje (?:vais|m'occupe|vous (?:rembourse|rappelle|promets|garantis)|transmets|annule|promets|garantis)\b",
        r"\bhe (?:ya )?(?:cancelado|reembolsado|cambiado|eliminado|reservado|enviado|restablecido|actualizado|procesado|transferido|modificado|anulado|solicitado|escalado|abonado)\b",
        r"\bvoy a (?:cancelar|reembolsar|cambiar|eliminar|reservar|enviar|restablecer|actualizar|procesar|transferir|llamar|contactar|anular|escalar)|\b(?:le|te|lo|la) (?:llamaré|contactaré|reembolsaré|enviaré|prometo|garantizo)\b",
    ])
});

static DESK: LazyLock<RegexSet> = LazyLock::new(|| {
    compiled(&[
        r"\bwe(?:'ve| have)(?: just| now| already| successfully)* DONE\b",
        r"\bwe(?:'ll| will| are going to|'re going to| shall)(?: now| also| immediately| gladly)* DO\b",
        r"\bwe (?:promise|guarantee)\b",
        r"\b(?:someone|somebody|a colleague|our team|the team|our support team|an agent|a representative|a specialist|a technician|they)(?:'ll| will| is going to| shall) (?:soon |shortly )?(?:call|contact|get back|reach out|reply|follow up|be in touch|email|refund|phone)\b",
        r"\byou(?:'ll| will) (?:receive|get|be issued|be given|have) (?:a |an |your |the )?(?:full |partial )?(?:refund|call|credit|reimbursement|replacement|compensation)\b",
        r"\bwir (?:werden|rufen sie|rufen dich|melden uns|erstatten|stornieren|kümmern uns|haben\b.*\b(?:storniert|gekündigt|erstattet|weitergeleitet|veranlasst))\b",
        r"\b(?:ein kollege|eine kollegin|jemand|unser team|ein mitarbeiter|eine mitarbeiterin) (?:wird|meldet|ruft|kümmert)\b",
        r"\bnous (?:allons|vous (?:rappellerons|contacterons|rembourserons|enverrons|recontacterons)|avons (?:annulé|remboursé|transmis|envoyé|modifié))\b",
        r"\b(?:un collègue|une collègue|un conseiller|quelqu'un|notre équipe|un agent) (?:va|vous (?:rappellera|contactera|répondra|recontactera))\b",
        r"\b(?:hemos (?:cancelado|reembolsado|enviado|transferido|procesado)|vamos a (?:cancelar|reembolsar|llamar|contactar|enviar)|(?:le|te|lo|la) (?:llamaremos|contactaremos|reembolsaremos|enviaremos|responderemos))\b",
        r"\b(?:un compañero|una compañera|un agente|alguien|nuestro equipo) (?:le|te|lo|la|se) (?:llamará|contactará|pondrá|responderá|enviará)\b",
    ])
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acts_that_nobody_does_are_found() {
        for (sentence, expected) in [
            ("I have cancelled your subscription.", Some(Promise::Own)),
            ("I’ve refunded the payment.", Some(Promise::Own)),
            ("I've just updated your address.", Some(Promise::Own)),
            ("I will forward this to the team.", Some(Promise::Own)),
            ("I'll make sure it works.", Some(Promise::Own)),
            ("Your refund has been processed.", Some(Promise::Own)),
            ("We will call you tomorrow.", Some(Promise::Desk)),
            ("We'll get back to you.", Some(Promise::Desk)),
            ("Someone will contact you shortly.", Some(Promise::Desk)),
            ("You will receive a full refund.", Some(Promise::Desk)),
            ("Ich habe Ihr Abo gekündigt.", Some(Promise::Own)),
            ("Ich werde das prüfen.", Some(Promise::Own)),
            ("Wir rufen Sie morgen an.", Some(Promise::Desk)),
            ("Ein Kollege meldet sich bei Ihnen.", Some(Promise::Desk)),
            ("J'ai annulé votre abonnement.", Some(Promise::Own)),
            ("Je vais vous rembourser.", Some(Promise::Own)),
            ("Nous vous rappellerons.", Some(Promise::Desk)),
            ("He cancelado su suscripción.", Some(Promise::Own)),
            ("Voy a reembolsar el pago.", Some(Promise::Own)),
            ("Le llamaremos mañana.", Some(Promise::Desk)),
            ("You can cancel your subscription in the billing settings.", None),
            ("Refunds are processed within 14 days.", None),
            ("I can't find this in our documentation.", None),
            ("I have no information on this.", None),
            ("We send a weekly report.", None),
            ("He can cancel at any time.", None),
            ("Sie können Ihr Abo kündigen.", None),
            ("Vous pouvez annuler votre abonnement.", None),
            ("Puede cancelar su suscripción.", None),
            ("If you have cancelled your plan, data is kept.", None),
        ] {
            assert_eq!(promise(sentence), expected, "{sentence}");
        }
    }
}
