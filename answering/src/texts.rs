//! The fixed sentences that the desk says itself, by language.

use domain::staffing::{People, Staffing};

/// Characters of a title that is asked about at most.
const TITLE_CHARS_MAX: usize = 100;

/// What the desk says itself in one language.
#[derive(Debug, PartialEq, Eq)]
pub struct Texts {
    /// ISO 639-1 code.
    pub language: &'static str,
    /// A person will take over.
    pub handoff: &'static str,
    /// A person is wanted and nobody is there now.
    pub nobody_there: &'static str,
    /// Asks for another way to reach the customer.
    pub ask_email: &'static str,
    /// What was told already still holds.
    pub noted: &'static str,
    /// Asks whether a person is wanted.
    pub offer: &'static str,
    /// Takes a no to that offer.
    pub declined: &'static str,
    /// Answers a greeting.
    pub greeting: &'static str,
    /// Answers thanks.
    pub welcome: &'static str,
    /// Asks what a message without words is about.
    pub ask_question: &'static str,
    /// The frame of a question back; `{a}` and `{b}` are what it may be about.
    clarify: &'static str,
}

impl Texts {
    /// What is said when a conversation goes to people: the truth about who is there, and never twice the same.
    pub fn handoff_to(&self, staffing: Staffing, told_before: bool) -> String {
        match staffing.people {
            _ if told_before => self.noted.to_owned(),
            People::There => self.handoff.to_owned(),
            People::Away if staffing.contact_known => self.nobody_there.to_owned(),
            People::Away => {
                let space = if matches!(self.language, "zh" | "ja") { "" } else { " " };
                format!("{}{space}{}", self.nobody_there, self.ask_email)
            }
        }
    }

    /// The question back which of two things is meant.
    pub fn clarify(&self, first: &str, second: &str) -> String {
        let (before, between, after) = self.frame();
        format!("{before}{}{between}{}{after}", shown(first), shown(second))
    }

    /// What stands before, between and after the two things.
    fn frame(&self) -> (&'static str, &'static str, &'static str) {
        // Split instead of replaced in turn: a title may hold `{b}` itself.
        let (before, rest) = self.clarify.split_once("{a}").unwrap_or((self.clarify, ""));
        let (between, after) = rest.split_once("{b}").unwrap_or((rest, ""));
        (before, between, after)
    }
}

/// A title as it is asked about: on one line, and not too long for it.
fn shown(title: &str) -> String {
    let line = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = line.chars().take(TITLE_CHARS_MAX).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short
}

/// The two things that a message asked back about, in whatever language.
pub(crate) fn alternatives(content: &str) -> Option<(&str, &str)> {
    ALL.iter().chain([&ENGLISH]).find_map(|texts| {
        let (before, between, after) = texts.frame();
        content.strip_prefix(before)?.strip_suffix(after)?.split_once(between)
    })
}

/// The sentences in a language (`de`, `pt-BR`), in English where they are not there.
pub fn texts(language: Option<&str>) -> &'static Texts {
    let code = language.unwrap_or("en").split(['-', '_']).next().unwrap_or("en").to_lowercase();
    ALL.iter().find(|texts| texts.language == code).unwrap_or(&ENGLISH)
}

/// Whether a message told, in whatever language, that a person will take over.
pub fn is_announcement(content: &str) -> bool {
    let told =
        |texts: &Texts| [texts.handoff, texts.noted].contains(&content) || content.starts_with(texts.nobody_there);
    ALL.iter().chain([&ENGLISH]).any(told)
}

/// Whether a message asked, in whatever language, if a person is wanted.
pub fn is_offer(content: &str) -> bool {
    ALL.iter().chain([&ENGLISH]).any(|texts| texts.offer == content)
}

static ENGLISH: Texts = Texts {
    language: "en",
    handoff: "I'm passing this conversation to a colleague, who will answer you here.",
    nobody_there: "Nobody of our team is available right now. Your message is saved, and a person will reply here as soon as someone is back.",
    ask_email: "If you leave your e-mail address, we can reach you there too.",
    noted: "Our team has your message too; a person will answer you here.",
    offer: "I can't answer this for certain. Shall I pass it to a colleague?",
    declined: "All right. Ask me anything else, or write that you want a person, at any time.",
    greeting: "Hello! How can I help you?",
    welcome: "You're welcome! Is there anything else I can help with?",
    ask_question: "What would you like to know? Please describe it in a sentence or two.",
    clarify: "So that I answer the right question: is this about “{a}” or about “{b}”?",
};

static ALL: &[Texts] = &[
    Texts {
        language: "de",
        handoff: "Ich gebe dieses Gespräch an jemanden aus unserem Team weiter; die Antwort kommt hier.",
        nobody_there: "Gerade ist niemand aus unserem Team da. Ihre Nachricht ist gespeichert; sobald wieder jemand da ist, antworten wir Ihnen hier.",
        ask_email: "Wenn Sie Ihre E-Mail-Adresse hinterlassen, erreichen wir Sie auch dort.",
        noted: "Auch diese Nachricht liegt unserem Team vor; ein Mensch antwortet Ihnen hier.",
        offer: "Das kann ich nicht sicher beantworten. Soll ich es an jemanden aus unserem Team weitergeben?",
        declined: "In Ordnung. Fragen Sie mich gern etwas anderes, oder schreiben Sie jederzeit, dass Sie einen Menschen möchten.",
        greeting: "Guten Tag! Wie kann ich Ihnen helfen?",
        welcome: "Gern geschehen! Kann ich sonst noch helfen?",
        ask_question: "Was möchten Sie wissen? Bitte beschreiben Sie es in ein, zwei Sätzen.",
        clarify: "Damit ich die richtige Frage beantworte: Geht es um „{a}“ oder um „{b}“?",
    },
    Texts {
        language: "fr",
        handoff: "Je transmets cette conversation à un membre de notre équipe, qui vous répondra ici.",
        nobody_there: "Personne de notre équipe n'est disponible en ce moment. Votre message est enregistré et une personne vous répondra ici dès que possible.",
        ask_email: "Si vous laissez votre adresse e-mail, nous pourrons aussi vous y joindre.",
        noted: "Notre équipe a aussi reçu ce message ; une personne vous répondra ici.",
        offer: "Je ne peux pas répondre à cela avec certitude. Dois-je transmettre à un membre de notre équipe ?",
        declined: "D'accord. Posez-moi une autre question, ou écrivez à tout moment que vous souhaitez une personne.",
        greeting: "Bonjour ! Comment puis-je vous aider ?",
        welcome: "Avec plaisir ! Puis-je vous aider pour autre chose ?",
        ask_question: "Que souhaitez-vous savoir ? Décrivez-le en une ou deux phrases, s'il vous plaît.",
        clarify: "Pour bien répondre à votre question : s'agit-il de « {a} » ou de « {b} » ?",
    },
    Texts {
        language: "es",
        handoff: "Paso esta conversación a una persona de nuestro equipo, que le responderá aquí.",
        nobody_there: "Ahora mismo no hay nadie de nuestro equipo disponible. Su mensaje está guardado y una persona le responderá aquí en cuanto sea posible.",
        ask_email: "Si deja su correo electrónico, también podremos contactarle por ahí.",
        noted: "Nuestro equipo también tiene este mensaje; una persona le responderá aquí.",
        offer: "No puedo responder a esto con certeza. ¿Lo paso a una persona de nuestro equipo?",
        declined: "De acuerdo. Pregúnteme otra cosa o escriba en cualquier momento que desea una persona.",
        greeting: "¡Hola! ¿En qué puedo ayudarle?",
        welcome: "¡De nada! ¿Puedo ayudarle en algo más?",
        ask_question: "¿Qué desea saber? Descríbalo en una o dos frases, por favor.",
        clarify: "Para responder a la pregunta correcta: ¿se trata de «{a}» o de «{b}»?",
    },
    Texts {
        language: "it",
        handoff: "Passo questa conversazione a una persona del nostro team, che le risponderà qui.",
        nobody_there: "Al momento nessuno del nostro team è disponibile. Il suo messaggio è salvato e una persona le risponderà qui appena possibile.",
        ask_email: "Se lascia il suo indirizzo e-mail, potremo contattarla anche lì.",
        noted: "Il nostro team ha ricevuto anche questo messaggio; una persona le risponderà qui.",
        offer: "Non posso rispondere con certezza. Vuole che lo passi a una persona del nostro team?",
        declined: "Va bene. Mi chieda pure altro, o scriva in qualsiasi momento che desidera una persona.",
        greeting: "Buongiorno! Come posso aiutarla?",
        welcome: "Prego! Posso aiutarla in altro?",
        ask_question: "Che cosa desidera sapere? Lo descriva in una o due frasi, per favore.",
        clarify: "Per rispondere alla domanda giusta: si tratta di «{a}» o di «{b}»?",
    },
    Texts {
        language: "pt",
        handoff: "Vou passar esta conversa a uma pessoa da nossa equipe, que responderá aqui.",
        nobody_there: "Neste momento, ninguém da nossa equipe está disponível. A sua mensagem está guardada e uma pessoa responderá aqui assim que possível.",
        ask_email: "Se deixar o seu e-mail, também podemos contatar por lá.",
        noted: "A nossa equipe também recebeu esta mensagem; uma pessoa responderá aqui.",
        offer: "Não consigo responder a isto com certeza. Posso passar a uma pessoa da nossa equipe?",
        declined: "Tudo bem. Pergunte outra coisa ou escreva a qualquer momento que deseja uma pessoa.",
        greeting: "Olá! Como posso ajudar?",
        welcome: "De nada! Posso ajudar em mais alguma coisa?",
        ask_question: "O que gostaria de saber? Descreva em uma ou duas frases, por favor.",
        clarify: "Para responder à pergunta certa: trata-se de “{a}” ou de “{b}”?",
    },
    Texts {
        language: "nl",
        handoff: "Ik geef dit gesprek door aan een collega, die u hier antwoord geeft.",
        nobody_there: "Er is nu niemand van ons team beschikbaar. Uw bericht is bewaard; zodra er iemand is, krijgt u hier antwoord.",
        ask_email: "Als u uw e-mailadres achterlaat, kunnen we u ook daar bereiken.",
        noted: "Ook dit bericht ligt bij ons team; iemand antwoordt u hier.",
        offer: "Ik kan dit niet met zekerheid beantwoorden. Zal ik het aan een collega doorgeven?",
        declined: "Goed. Stel me gerust een andere vraag, of schrijf op elk moment dat u iemand wilt spreken.",
        greeting: "Hallo! Waarmee kan ik u helpen?",
        welcome: "Graag gedaan! Kan ik u nog ergens mee helpen?",
        ask_question: "Wat wilt u weten? Beschrijf het alstublieft in een of twee zinnen.",
        clarify: "Zodat ik de juiste vraag beantwoord: gaat het om “{a}” of om “{b}”?",
    },
    Texts {
        language: "pl",
        handoff: "Przekazuję tę rozmowę osobie z naszego zespołu, która odpowie tutaj.",
        nobody_there: "W tej chwili nikt z naszego zespołu nie jest dostępny. Wiadomość została zapisana i odpowiemy tutaj, gdy tylko ktoś będzie dostępny.",
        ask_email: "Jeśli zostawisz swój adres e-mail, skontaktujemy się także w ten sposób.",
        noted: "Nasz zespół ma też tę wiadomość; odpowie tutaj człowiek.",
        offer: "Nie mogę odpowiedzieć na to z pewnością. Czy przekazać to osobie z naszego zespołu?",
        declined: "W porządku. Proszę zapytać o coś innego lub w każdej chwili napisać, że potrzebny jest człowiek.",
        greeting: "Dzień dobry! W czym mogę pomóc?",
        welcome: "Proszę bardzo! Czy mogę jeszcze w czymś pomóc?",
        ask_question: "Czego dotyczy pytanie? Proszę opisać to w jednym lub dwóch zdaniach.",
        clarify: "Aby dobrze odpowiedzieć: czy chodzi o „{a}”, czy o „{b}”?",
    },
    Texts {
        language: "tr",
        handoff: "Bu görüşmeyi ekibimizden birine aktarıyorum; size buradan yanıt verecek.",
        nobody_there: "Şu anda ekibimizden kimse müsait değil. Mesajınız kaydedildi; biri müsait olur olmaz size buradan yanıt verilecek.",
        ask_email: "E-posta adresinizi bırakırsanız size oradan da ulaşabiliriz.",
        noted: "Bu mesajınız da ekibimize ulaştı; size buradan bir kişi yanıt verecek.",
        offer: "Bunu kesin olarak yanıtlayamıyorum. Ekibimizden birine aktarayım mı?",
        declined: "Tamam. Bana başka bir şey sorabilir ya da istediğiniz zaman bir kişiyle görüşmek istediğinizi yazabilirsiniz.",
        greeting: "Merhaba! Size nasıl yardımcı olabilirim?",
        welcome: "Rica ederim! Yardımcı olabileceğim başka bir konu var mı?",
        ask_question: "Ne öğrenmek istersiniz? Lütfen bir iki cümleyle anlatın.",
        clarify: "Doğru soruyu yanıtlamak için: konu “{a}” mı, yoksa “{b}” mi?",
    },
    Texts {
        language: "ar",
        handoff: "سأحوّل هذه المحادثة إلى أحد أعضاء فريقنا، وسيجيبك هنا.",
        nobody_there: "لا يوجد أحد من فريقنا متاح الآن. تم حفظ رسالتك وسيرد عليك شخص هنا في أقرب وقت ممكن.",
        ask_email: "إذا تركت بريدك الإلكتروني فيمكننا التواصل معك من خلاله أيضًا.",
        noted: "وصلت هذه الرسالة أيضًا إلى فريقنا، وسيجيبك شخص هنا.",
        offer: "لا أستطيع الإجابة عن هذا بشكل مؤكد. هل أحوّله إلى أحد أعضاء فريقنا؟",
        declined: "حسنًا. يمكنك أن تسألني عن أي شيء آخر، أو أن تكتب في أي وقت أنك تريد التحدث إلى شخص.",
        greeting: "مرحبًا! كيف يمكنني مساعدتك؟",
        welcome: "على الرحب والسعة! هل يمكنني مساعدتك في شيء آخر؟",
        ask_question: "ما الذي تود معرفته؟ يُرجى وصفه في جملة أو جملتين.",
        clarify: "لأجيب عن السؤال الصحيح: هل يتعلق الأمر بـ «{a}» أم بـ «{b}»؟",
    },
    Texts {
        language: "ru",
        handoff: "Передаю этот разговор сотруднику нашей команды, он ответит вам здесь.",
        nobody_there: "Сейчас никого из нашей команды нет на месте. Ваше сообщение сохранено, и человек ответит здесь, как только сможет.",
        ask_email: "Если вы оставите адрес электронной почты, мы сможем связаться с вами и там.",
        noted: "Это сообщение тоже у нашей команды; вам ответит человек.",
        offer: "Я не могу ответить на это с уверенностью. Передать вопрос сотруднику нашей команды?",
        declined: "Хорошо. Спросите меня о чём-нибудь другом или в любой момент напишите, что вам нужен человек.",
        greeting: "Здравствуйте! Чем могу помочь?",
        welcome: "Пожалуйста! Могу ли я помочь чем-нибудь ещё?",
        ask_question: "Что вы хотели бы узнать? Опишите, пожалуйста, в одном-двух предложениях.",
        clarify: "Чтобы ответить на нужный вопрос: речь идёт о «{a}» или о «{b}»?",
    },
    Texts {
        language: "zh",
        handoff: "我会把这次对话转给我们的同事，他们会在这里回复您。",
        nobody_there: "目前没有同事在线。您的消息已保存，有人在线后会尽快在这里回复您。",
        ask_email: "如果您留下电子邮箱，我们也可以通过邮箱联系您。",
        noted: "这条消息也已转给我们的同事，会有人在这里回复您。",
        offer: "我无法确切回答这个问题。需要我转给同事吗？",
        declined: "好的。您可以问我其他问题，也可以随时写下您想与人工沟通。",
        greeting: "您好！有什么可以帮您？",
        welcome: "不客气！还有什么可以帮您的吗？",
        ask_question: "您想了解什么？请用一两句话描述一下。",
        clarify: "为了准确回答您的问题：您指的是“{a}”还是“{b}”？",
    },
    Texts {
        language: "ja",
        handoff: "この会話を担当者に引き継ぎます。担当者がこちらで回答いたします。",
        nobody_there: "現在対応できる担当者がおりません。メッセージは保存されましたので、担当者が戻り次第こちらで回答いたします。",
        ask_email: "メールアドレスを残していただければ、そちらにもご連絡できます。",
        noted: "こちらのメッセージも担当者に届いています。担当者がこちらで回答いたします。",
        offer: "確実なお答えができません。担当者に引き継ぎましょうか？",
        declined: "承知しました。ほかのご質問をお書きいただくか、担当者をご希望の場合はいつでもその旨お書きください。",
        greeting: "こんにちは。どのようなご用件でしょうか？",
        welcome: "どういたしまして。ほかにお手伝いできることはありますか？",
        ask_question: "どのようなことをお知りになりたいですか？一、二文でお書きください。",
        clarify: "正しくお答えするために確認させてください。「{a}」についてですか、それとも「{b}」についてですか？",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_found_by_code_region_and_falls_back_to_english() {
        for (asked, found) in [
            (Some("de"), "de"),
            (Some("pt-BR"), "pt"),
            (Some("FR_ca"), "fr"),
            (Some("sw"), "en"),
            (None, "en"),
            (Some(""), "en"),
        ] {
            assert_eq!(texts(asked).language, found);
        }
    }

    #[test]
    fn every_language_is_there_once_and_frames_both_titles() {
        let mut codes: Vec<&str> = ALL.iter().map(|texts| texts.language).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ALL.len());
        for texts in ALL.iter().chain([&ENGLISH]) {
            let asked = texts.clarify("A {b}", "B");
            assert!(asked.contains("A {b}") && asked.matches('B').count() == 1, "{asked}");
            assert_eq!(alternatives(&texts.clarify("\r\n Small\tclaims \n", "B b")), Some(("Small claims", "B b")));
            assert_eq!(alternatives(texts.offer), None);
            let away = Staffing { people: People::Away, contact_known: false, ..Staffing::default() };
            for told in [texts.handoff_to(Staffing::default(), false), texts.handoff_to(away, false)] {
                assert!(is_announcement(&told) && !is_offer(&told), "{told}");
            }
            assert!(texts.handoff_to(away, false).ends_with(texts.ask_email));
            assert_eq!(texts.handoff_to(away, true), texts.noted);
            assert!(is_offer(texts.offer) && !is_announcement(texts.offer));
            assert!(!is_offer(texts.declined) && !is_announcement(texts.declined));
        }
    }
}
