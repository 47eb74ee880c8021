//! Whether a customer explicitly wishes for a person: phrases in many languages, made to be precise.

use regex::{Regex, RegexSet};
use std::sync::LazyLock;

/// What a customer explicitly wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To be served by a person.
    Person,
    /// Nothing of the kind.
    None,
}

/// Reads the wish from one message.
pub(crate) fn wish(message: &str) -> Wish {
    let text = message.to_lowercase().replace('’', "'");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if PHRASES.is_match(&text) && !OBLIGED.is_match(&text) { Wish::Person } else { Wish::None }
}

/// Whether one must talk to a person is a question, not a wish.
#[expect(clippy::expect_used, reason = "the pattern is a constant and every test compiles it")]
static OBLIGED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(?:do|must|should|would) (?:i|we) (?:really |actually |still )?(?:have|need|want) to (?:talk|speak|chat|call)\b").expect("the pattern is valid")
});

#[expect(clippy::expect_used, reason = "the patterns are constants and every test compiles them")]
static PHRASES: LazyLock<RegexSet> = LazyLock::new(|| {
    let person = r"(?:(?:a|an|the|some|your|any|one of your) )?(?:(?:real|live|actual|human|customer|service|support|care|sales|another|different|other|qualified) )*(?:human beings?|humans?|persons?|people|agents?|representatives?|reps?|advisors?|operators?|somebody|someone|anyone|anybody|staff(?: member)?|colleagues?|employees?|managers?|supervisors?|team member|support(?: team| staff)?|customer (?:service|support|care))";
    let after = r"(?:[.!?,;:)]|$| (?:please|pls|now|right|asap|instead|here|today|about|regarding|on|at|from|for|to|by|directly|immediately|who can|and|because|via|over|in|or|not|as)\b)";
    let patterns = PATTERNS.iter().map(|pattern| pattern.replace("PERSON", person).replace("AFTER", after));
    RegexSet::new(patterns).expect("the patterns are valid")
});

/// Patterns over the lowercase message with single spaces; PERSON and AFTER stand for English parts.
const PATTERNS: &[&str] = &[
    // English
    r"\b(?:i|we)(?:'d| would| really| just| do| only| must| also)* (?:want|wanna|need|wish|prefer|demand|like|love|have|insist on|am trying|'m trying)(?: to)? (?:be able to )?(?:talk|speak|chat|talking|speaking|communicate|deal)(?: directly)? (?:to|with) PERSONAFTER",
    r"\b(?:can|could|may|might|shall) (?:i|we)(?: please| just)? (?:talk|speak|chat)(?: directly)? (?:to|with) PERSONAFTER",
    r"\b(?:how|where|when) (?:can|do|could|would) (?:i|we) (?:talk|speak|chat|get through|reach) ?(?:to|with)? (?:a|an|someone|somebody|your)? ?(?:real |live |actual |human )*(?:human being|human|real person|live person|live agent|human agent|person|someone|somebody|customer service|customer support|support team|support)AFTER",
    r"\b(?:let|allow) (?:me|us) (?:talk|speak|chat) (?:to|with) PERSONAFTER",
    r"\b(?:connect|transfer|put|pass|forward|switch|hand|redirect|refer|direct|route) (?:me|us)(?: over| through| on)?(?: please)? (?:to|with) PERSONAFTER",
    r"\b(?:get|give|find|send|bring|fetch) (?:me|us) PERSONAFTER",
    r"\b(?:i|we)(?:'d| would| really| just)* (?:want|need|demand|like|wanna have|require) (?:a |an |some |your |to have )?(?:(?:real|live|actual|human|customer service|customer support|support) (?:human|person|agent|representative|rep|operator|help|assistance|support|interaction|being)|human|representative|manager|supervisor)(?:[.!?,;]|$| (?:please|pls|now|to (?:help|talk|call|answer|assist|look|contact|review|handle|check|speak)|right now|asap|who|not)\b)",
    r"^(?:(?:ok|okay|no|hi|hello|hey|just|please|pls|can i get|could i get|i said)[,.!]? )*(?:(?:a|an|the|live|real|human|actual|customer|service|support) )*(?:agent|human|human being|representative|rep|operator|real person|live person|live chat|customer service|human support|human help|manager|supervisor|advisor)(?:[,.!]? (?:please|pls|now|asap|only|right now|help|support|assistance|agent))*[.!? ]*$",
    r"\bis there (?:a |an |any |some)?(?:(?:real|live|actual|human) )*(?:human|person|agent|representative|someone|anyone|body|one|somebody|anybody) (?:(?:real|human|there|here|available) )*(?:that |who )?(?:(?:i|we) (?:can|could) (?:talk|speak|chat)|available to (?:talk|speak|chat))",
    r"\b(?:don't|dont|do not|didn't|not) (?:want|wanna|wish|like|need)(?: to)? (?:(?:talk|speak|chat|talking|speaking) (?:to|with) )?(?:a |the |this |an |your |any )?(?:stupid |dumb |useless )?(?:bots?|robots?|machines?|ai|chatbots?|computers?)\b",
    r"\b(?:stop|no more|enough of) (?:this |the |with the |with this )?(?:bot|robot|chatbot|ai)\b.*\b(?:human|person|agent|someone)\b",
    r"\b(?:can|could|would|will) (?:someone|somebody|anyone|anybody|a person|an agent|a human|a representative|a manager|your team)(?: please)? (?:call|phone|ring|contact|reach out to) (?:me|us)\b",
    r"(?:^|please |[,.!] )(?:have|ask|tell|get) (?:someone|somebody|a person|an agent|a human|a representative|a manager|your manager|your supervisor) (?:to )?(?:call|phone|ring|contact|help|reply|answer|get back to|reach out to) (?:to )?(?:me|us)\b",
    r"\b(?:please |want to |need to |to |have to |must )escalate (?:this|my|it)\b",
    r"^escalate (?:this|my|it)\b",
    r"\b(?:speak|talk|chat) (?:to|with) (?:a |an |some )?(?:real |live |actual )+(?:human being|human|person|agent|people|someone)",
    r"^(?:please |pls )?(?:let me )?(?:speak|talk|chat) (?:to|with) (?:a |an |some |your )?(?:human|person|agent|representative|someone|somebody|manager|supervisor|operator)AFTER",
    // German
    r"\b(?:mit|zu) (?:einem|einer|einen|jemand(?:em)?|irgendjemand(?:em)?|eurem|ihrem|ihrer)? ?(?:echten?|echter|richtigen?|realen?|menschlichen?|lebendigen?)? ?(?:menschen?|person|mitarbeiter(?:in)?|kundendienst|kundenservice|berater(?:in)?|agenten?|vorgesetzten|ansprechpartner|kundenbetreuer(?:in)?|support|jemand(?:em)?)\b.*\b(?:sprechen|reden|chatten|telefonieren|schreiben|verbinden|verbunden|durchstellen|weiterleiten)\b",
    r"\b(?:verbinden|verbinde|stellen|leiten|leite) (?:sie )?mich\b.*\b(?:mit|zu|an|durch|weiter)\b.*\b(?:mensch(?:en)?|mitarbeiter(?:in)?|person|berater|agent(?:en)?|kundendienst|kundenservice|support|jemand(?:em|en)?)\b",
    r"\b(?:will|möchte|brauche|verlange|hätte gerne?) (?:bitte )?(?:einen?|mit einem|mit einer) (?:echten?|richtigen?|menschlichen?|realen?) (?:menschen?|person|mitarbeiter(?:in)?|ansprechpartner|agenten?|berater)",
    r"^(?:bitte )?(?:(?:einen?|echten?|echter|richtigen?|richtiger|menschlichen?) )*(?:mensch(?:en)?|mitarbeiter|menschlicher support)(?:[,.!]? (?:bitte|jetzt|sofort))*[.! ]*$",
    r"\b(?:kein(?:en)?|nicht mit (?:einem|einer|dem)) (?:bot|roboter|maschine|ki|computer|chatbot)\b.*\b(?:mensch|person|mitarbeiter|sprechen|reden)",
    r"\b(?:rufen sie|ruft|ruf) mich (?:bitte )?(?:zurück|an)\b|\bbitte um (?:einen )?rückruf\b",
    // French
    r"\b(?:parler|discuter|échanger|communiquer) (?:à|avec|au) (?:un |une |quelqu'un|le |votre |l'un de vos )?(?:vrai |vraie |autre )?(?:humain|humaine|être humain|personne|conseill[eè]re?|agent|quelqu'un|opérateur|opératrice|service client|responsable|support|représentant)?(?:[.!?, ]|$)",
    r"\b(?:passez|mettez|transférez|connectez|redirigez)[- ]moi\b.*\b(?:humain|personne|conseill[eè]re?|agent|quelqu'un|opérateur|service client|responsable)\b",
    r"\b(?:je veux|je voudrais|j'aimerais|il me faut|je souhaite|j'ai besoin d'?) ?(?:un|une|d'un|d'une) (?:vrai |vraie )?(?:humain|vraie personne|être humain|conseiller humain|agent humain|interlocuteur humain|interlocuteur)",
    r"^(?:un |une )?(?:vrai |vraie )?(?:humain|conseiller|agent humain|vraie personne|agent|opérateur)(?:[,.!]? (?:s'il vous pla[iî]t|svp|stp))*[.! ]*$",
    r"\b(?:rappelez|appelez)[- ]moi\b",
    // Spanish
    r"\b(?:hablar|chatear|comunicarme|conversar|contactar) (?:con|a) (?:un |una |el |la |su |otro |otra )?(?:ser humano|humano|humana|persona|agente|alguien|asesor|asesora|operador|operadora|representante|encargado|supervisor|gerente|atención al cliente|servicio al cliente|soporte)(?:[.!?,]| real| humano| humana| de verdad| por favor| sobre| para| del?| ya| ahora|$)",
    r"\b(?:p[aá]s[ae]me|comun[ií]queme|con[eé]cteme|transfi[eé]rame|p[oó]ngame|p[aá]same|con[eé]ctame)\b.*\b(?:humano|persona|agente|alguien|asesor|operador|representante|supervisor)\b",
    r"\b(?:quiero|necesito|quisiera|exijo|prefiero) (?:a |hablar con )?(?:un|una) (?:humano|persona real|ser humano|agente humano|persona de verdad|agente real)",
    r"^(?:un |una )?(?:humano|agente|persona real|operador|asesor|agente humano|representante)(?:[,.!]? (?:por favor|ya|ahora))*[.! ]*$",
    r"\b(?:ll[aá]menme|ll[aá]meme|ll[aá]mame)\b",
    // Italian
    r"\b(?:parlare|chattare|comunicare) (?:con|a) (?:un |una |un'|il |la |qualcuno|l')?(?:vero |vera |altro |altra )?(?:umano|essere umano|persona|operatore|operatrice|agente|qualcuno|assistenza clienti|servizio clienti|responsabile|consulente)?(?:[.!?, ]|$)",
    r"\b(?:mi passi|passami|passatemi|mi metta in contatto|mettetemi in contatto|mi colleghi|trasferiscimi)\b.*\b(?:umano|persona|operatore|operatrice|agente|qualcuno|responsabile)\b",
    r"\b(?:voglio|vorrei|ho bisogno di|mi serve) (?:un|una) (?:umano|persona (?:reale|vera|umana)|operatore(?: umano| reale)?|essere umano)\b",
    r"^(?:un |una )?(?:operatore|umano|persona reale|operatore umano|agente)(?:[,.!]? (?:per favore|per piacere|subito))*[.! ]*$",
    // Portuguese
    r"\b(?:falar|conversar|chatear) (?:com|a) (?:um |uma |o |a |algum |alguma )?(?:ser humano|humano|humana|pessoa|atendente|agente|alguém|operador|operadora|representante|supervisor|gerente|suporte)(?:[.!?,]| real| humano| humana| de verdade| por favor| sobre| para| do| da| agora|$)",
    r"\b(?:me (?:passe|passa|transfira|transfere|conecte|coloque)|passe-me|transfira-me|quero ser transferid[oa])\b.*\b(?:humano|pessoa|atendente|agente|alguém|operador|representante)\b",
    r"\b(?:quero|preciso de|gostaria de|exijo) (?:um|uma) (?:humano|pessoa real|ser humano|atendente(?: humano)?|agente humano)\b",
    r"^(?:um |uma )?(?:atendente|humano|pessoa real|atendente humano|agente|operador)(?:[,.!]? (?:por favor|agora))*[.! ]*$",
    // Dutch
    r"\b(?:met|aan) (?:een |iemand|uw |jullie )?(?:echt |echte |andere |menselijke )?(?:mens|persoon|medewerker|iemand|klantenservice|agent|collega)?\b.*\b(?:spreken|praten|chatten|doorverbinden|doorverbonden)\b",
    r"\b(?:spreken|praten|chatten) met (?:een |iemand)(?:echte? |andere |menselijke )?(?:mens|persoon|medewerker|agent|collega)?",
    r"\bverbind (?:me|mij) (?:door|met)\b",
    r"\b(?:ik wil|geef me|ik heb) (?:graag )?een (?:echt mens|echte persoon|echte medewerker|menselijke medewerker|medewerker)\b(?: nodig| spreken|[.!]|$)",
    r"^(?:een )?(?:echt |echte |menselijke )?(?:mens|medewerker|persoon)(?:[,.!]? (?:alstublieft|alsjeblieft|graag|aub))*[.! ]*$",
    // Polish
    r"\b(?:rozmawia[ćc]|porozmawia[ćc]|pogada[ćc]|skontaktowa[ćc] si[eę]|po[łl][aą]czy[ćc]) z (?:(?:żywym|prawdziw(?:ym|ą)|jakimś|waszym) )*(?:człowiekiem|czlowiekiem|konsultantem|konsultantką|osobą|osoba|pracownikiem|kimś|agentem|doradcą|przełożonym|obsługą)",
    r"\b(?:połącz|połączcie|przełącz|przekaż)\w* (?:mnie|z)\b.*\b(?:człowiek\w*|konsultant\w*|osob\w+|pracownik\w*|kimś)",
    r"^(?:proszę o )?(?:konsultanta?|człowieka?|żyw(?:y|ego) człowieka?|kontakt z (?:konsultantem|człowiekiem|pracownikiem))(?:[,.!]? (?:proszę|poproszę))*[.! ]*$",
    // Turkish
    r"\b(?:gerçek |canlı )?(?:bir )?(?:gerçek |canlı )?(?:insan|insanla|kişiyle|temsilci|temsilciyle|temsilcisiyle|yetkili|yetkiliyle|biriyle|birisiyle|görevli|görevliyle|operatör|operatörle)(?: ile)? (?:konuşmak|görüşmek|konuşabilir|görüşebilir|yazışmak|konuşayım)",
    r"\b(?:temsilciye|yetkiliye|insana|operatöre|canlı desteğe|müşteri hizmetlerine|müşteri temsilcisine) (?:bağla|aktar|bağlan|ulaşmak)",
    r"^(?:gerçek |canlı )?(?:insan|temsilci|müşteri temsilcisi|canlı destek|operatör)(?: istiyorum| lütfen)*[.! ]*$",
    // Arabic
    r"(?:التحدث|أتحدث|اتحدث|التكلم|أتكلم|اتكلم|الكلام|أكلم|اكلم|التواصل|أتواصل) (?:مع |إلى |الى )?(?:شخص|إنسان|انسان|موظف|ممثل|أحد|احد|مندوب|وكيل|خدمة العملاء|بشري|مسؤول|مدير)",
    r"(?:حولني|حوّلني|وصلني|حولوني|أوصلني|انقلني) .*(?:شخص|إنسان|موظف|ممثل|مندوب|خدمة العملاء|مسؤول)",
    r"^(?:أريد |اريد )?(?:موظف|إنسان|شخص حقيقي|موظف حقيقي|ممثل خدمة العملاء|موظف خدمة العملاء)(?: من فضلك| لو سمحت)?[.! ]*$",
    // Russian
    r"(?:поговорить|говорить|пообщаться|связаться|общаться|соединиться) с(?:о)? (?:(?:живым|реальным|настоящим|вашим) )*(?:человеком|оператором|сотрудником|менеджером|кем-нибудь|кем-то|специалистом|представителем|поддержкой|руководителем|агентом)",
    r"(?:соедините|переключите|переведите|свяжите|соедини|переключи|позовите|позови|дайте)(?: меня| мне)?(?: с(?:о)?| на)? .*(?:человек\w*|оператор\w*|сотрудник\w*|менеджер\w*|специалист\w*)",
    r"^(?:нужен |хочу |позовите |живой |живого |мне )*(?:оператора?|человека?|живой человек|менеджера?)(?:[,.!]? пожалуйста)*[.! ]*$",
    r"\bперезвоните мне\b",
    // Chinese
    r"(?:转|轉|接|找|要|换|換|联系|聯繫|联络|叫)(?:一下|个|個|到|成)?(?:人工|真人|活人)",
    r"(?:和|跟|与|與|同)(?:真人|人工|客服人员|客服人員|工作人员|工作人員|真正的人|一个人|经理|主管|人工客服|你们的客服)(?:客服|员工)?(?:说话|說話|通话|聊|谈|談|对话|對話|沟通|溝通|交流|讲)",
    r"^(?:我要|我想要|请|請|需要)?(?:人工客服|人工服务|人工服務|人工|真人|真人客服)[。！!.]*$",
    // Japanese
    r"(?:人間|人|担当者|オペレーター|オペレータ|スタッフ|係員|サポート担当|有人)(?:の方|の人)?(?:と|に)(?:直接)?(?:話|はな|会話|チャット|つない|繋い|代わっ|かわっ|替わっ|変わっ|相談し)",
    r"(?:オペレーター|担当者|有人対応|有人チャット|スタッフ)(?:の方)?(?:を|を呼|へ|に)(?:お願い|呼ん|出し|つな|繋|希望|切り替え)",
    r"^(?:オペレーター|有人対応|有人チャット)(?:希望|お願いします)?[。！!.]*$",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explicit_wishes_are_heard_in_thirteen_languages() {
        for text in [
            "I want to talk to a human",
            "I want to speak to a human being please",
            "agent please",
            "Human.",
            "can I speak with someone about my bill?",
            "Could I please chat to a real person?",
            "connect me to an agent",
            "please transfer me to a representative",
            "put me through to your manager now",
            "get me someone who can help",
            "this is the third time i ask, your bot is useless, get me someone who can help",
            "I need a real person to look at this",
            "I’d like to speak with a customer service representative.",
            "let me talk to a person!",
            "is there a human I can talk to?",
            "I don't want to talk to a bot",
            "please escalate this",
            "Can someone call me?",
            "how do I speak to a human",
            "speak to a live agent",
            "have someone call me back",
            "Ich möchte mit einem Menschen sprechen",
            "Kann ich bitte mit einem Mitarbeiter reden?",
            "Verbinden Sie mich mit einem Mitarbeiter",
            "Mitarbeiter bitte",
            "Bitte rufen Sie mich zurück",
            "Je veux parler à un humain",
            "Passez-moi un conseiller",
            "Puis-je parler à quelqu'un ?",
            "Quiero hablar con una persona",
            "Páseme con un agente por favor",
            "agente humano, por favor",
            "Vorrei parlare con un operatore",
            "operatore",
            "Quero falar com um atendente",
            "me transfere para um humano",
            "Ik wil iemand spreken, met een medewerker praten",
            "Kan ik met een echt persoon praten?",
            "Chcę rozmawiać z człowiekiem",
            "proszę połączyć mnie, chcę porozmawiać z konsultantem",
            "Gerçek bir insanla konuşmak istiyorum",
            "müşteri temsilcisine bağla",
            "أريد التحدث مع شخص حقيقي",
            "حولني إلى موظف",
            "Хочу поговорить с живым человеком",
            "соедините меня с оператором",
            "转人工",
            "我要和真人说话",
            "人工客服",
            "人間のオペレーターと話したいです",
            "担当者につないでください",
        ] {
            assert_eq!(wish(text), Wish::Person, "{text}");
        }
    }

    #[test]
    fn talk_about_people_is_no_wish_for_one() {
        for text in [
            "what does the agent plan cost?",
            "do i have to talk to someone to close an account or can i in the app",
            "Do I need to speak to a representative to change my pin?",
            "How many agents can I add?",
            "How do I assign an agent to a conversation?",
            "Can I talk to my customers through the chat widget?",
            "how do I transfer my site to another person?",
            "How do I connect an agent to my chatbot?",
            "What is a user agent?",
            "Can I block user agents?",
            "Does your human resources module support payroll?",
            "How do I set up a support agent role?",
            "I want an agent plan",
            "I need a person field in my form",
            "can I invite someone to my team?",
            "Someone charged my card twice",
            "Who can see my notes?",
            "How do I contact Google about my ads?",
            "Is the data ever read by humans?",
            "the representative dataset is too small",
            "How can I talk to the API from Python?",
            "Can my team members chat with each other?",
            "I spoke to an agent yesterday and he said it takes 3 days",
            "An agent told me to reinstall the app",
            "Do you use AI or bots?",
            "Can I hide bot traffic?",
            "How do I stop bots from visiting my site?",
            "How do I create an operator account?",
            "Where do I find the manager app?",
            "How do I delete a person from a workspace?",
            "Can people see who visited?",
            "How do I send a message to someone?",
            "Can a customer call the API?",
            "how do i escalate a ticket to tier 2 in your product",
            "What does the live chat integration cost?",
            "I would like to talk about pricing",
            "i'd like to know how to speak to the database",
            "Please connect me to the wifi setup guide",
            "send me a list of agents",
            "give me the invoice for the agency plan",
            "Can I get a personal discount?",
            "Was kostet der Agent-Tarif?",
            "Wie lege ich einen neuen Mitarbeiter an?",
            "Können Mitarbeiter meine Daten sehen?",
            "Comment ajouter un agent ?",
            "Combien coûte un utilisateur ?",
            "¿Cómo agrego un agente?",
            "¿Cuántas personas pueden usar la cuenta?",
            "Come aggiungo un operatore?",
            "Como adiciono um atendente?",
            "Hoe voeg ik een medewerker toe?",
            "Jak dodać pracownika?",
            "Yeni temsilci nasıl eklenir?",
            "كيف أضيف موظفا؟",
            "Как добавить сотрудника?",
            "如何添加客服人员？",
            "担当者を追加するにはどうすればいいですか？",
            "Pretend I'm a new user - what's the very first step to place an order?",
        ] {
            assert_eq!(wish(text), Wish::None, "{text}");
        }
    }
}
