//! The app's own words in the languages it is used in most. What stands here was seen in exports or in programs
//! that read them; other languages still work but for these words, which then go as texts and are counted.

/// Kinds of media, as words tell them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Omitted {
    Any,
    Picture,
    Video,
    Audio,
    Sticker,
    File,
    Card,
}

/// None of the app's words for media and calls has more bytes: what people write is often longer.
pub(super) const LONGEST: usize = 80;

/// A medium that was not exported. Android, in angle brackets, does not say what it was.
pub(super) fn omitted(text: &str) -> Option<Omitted> {
    let text = text.trim();
    if let Some(inner) = text.strip_prefix('<').and_then(|t| t.strip_suffix('>')) {
        return OMITTED_ANY.contains(&inner).then_some(Omitted::Any);
    }
    if text.len() > LONGEST {
        return None;
    }
    let lower = text.to_lowercase();
    OMITTED.iter().find(|(words, _)| words.contains(&&*lower)).map(|(_, kind)| *kind)
}

const OMITTED_ANY: &[&str] = &[
    "Media omitted",
    "Medien ausgeschlossen",
    "Medien weggelassen",
    "Multimedia omitido",
    "Archivo omitido",
    "Médias omis",
    "Fichier omis",
    "Media omessi",
    "File multimediale omesso",
    "Mídia oculta",
    "Arquivo de mídia oculto",
    "Ficheiro não revelado",
    "Ficheiro omitido",
    "Media weggelaten",
    "Без медиафайлов",
    "Файл пропущен",
    "Медіафайли пропущено",
    "Medya dahil edilmedi",
    "pominięto multimedia",
    "pominięto plik multimedialny",
    "Media tidak disertakan",
    "Media dihilangkan",
    "मीडिया के बिना",
    "मीडिया छोड़ा गया",
    "省略多媒体文件",
    "省略多媒體檔案",
    "已略去多媒體檔案",
    "忽略多媒体文件",
    "メディアは含まれていません",
    "メディアファイルを除外",
    "미디어 파일을 제외한 채팅내용",
    "미디어 파일 제외됨",
    "تم استبعاد الوسائط",
    "המדיה לא נכללה",
    "Media har utelämnats",
    "Medier udeladt",
    "Media utelatt",
    "Media jätettiin pois",
    "Média vynechána",
    "Hiányzó médiafájl",
    "Fișiere media omise",
    "View once voice message omitted",
];

/// iOS says what it was. In lower case.
const OMITTED: &[(&[&str], Omitted)] = &[
    (
        &[
            "image omitted",
            "bild weggelassen",
            "imagen omitida",
            "image absente",
            "immagine omessa",
            "imagem ocultada",
            "imagem omitida",
            "afbeelding weggelaten",
            "изображение опущено",
            "görüntü dahil edilmedi",
            "gif omitted",
            "gif weggelassen",
            "gif omitido",
            "gif retiré",
            "gif esclusa",
            "gif weggelaten",
            "画像は含まれていません",
            "忽略图片",
            "已略過圖片",
            "لم يتم إدراج الصورة",
        ],
        Omitted::Picture,
    ),
    (
        &[
            "video omitted",
            "video note omitted",
            "video weggelassen",
            "video omitido",
            "vidéo absente",
            "video omesso",
            "vídeo omitido",
            "video weggelaten",
            "видео опущено",
            "video dahil edilmedi",
            "忽略视频",
            "已略過影片",
            "لم يتم إدراج الفيديو",
        ],
        Omitted::Video,
    ),
    (
        &[
            "audio omitted",
            "audio weggelassen",
            "audio omitido",
            "audio omis",
            "audio omesso",
            "áudio ocultado",
            "áudio omitido",
            "audio weggelaten",
            "аудиофайл опущен",
            "ses dahil edilmedi",
            "忽略音频",
            "已略過音訊",
        ],
        Omitted::Audio,
    ),
    (
        &[
            "sticker omitted",
            "sticker weggelassen",
            "sticker omitido",
            "sticker omis",
            "sticker non incluso",
            "figurinha omitida",
            "autocolante omitido",
            "sticker weggelaten",
            "стикер опущен",
            "çıkartma dahil edilmedi",
            "忽略表情包",
            "已略過貼圖",
        ],
        Omitted::Sticker,
    ),
    (
        &[
            "document omitted",
            "dokument weggelassen",
            "documento omitido",
            "document manquant",
            "documento omesso",
            "document weggelaten",
            "документ опущен",
            "belge dahil edilmedi",
            "忽略文档",
            "已略過文件",
        ],
        Omitted::File,
    ),
    (
        &[
            "contact card omitted",
            "kontaktkarte ausgelassen",
            "tarjeta de contacto omitida",
            "fiche contact omise",
            "scheda contatto omessa",
            "cartão do contato omitido",
            "contactkaart weggelaten",
        ],
        Omitted::Card,
    ),
];

/// The message was deleted. Compared without the dot at its end.
pub(super) const DELETED: &[&str] = &[
    "This message was deleted",
    "You deleted this message",
    "This message was deleted by admin",
    "Diese Nachricht wurde gelöscht",
    "Du hast diese Nachricht gelöscht",
    "Se eliminó este mensaje",
    "Eliminaste este mensaje",
    "Este mensaje fue eliminado",
    "Ce message a été supprimé",
    "Vous avez supprimé ce message",
    "Questo messaggio è stato eliminato",
    "Hai eliminato questo messaggio",
    "Mensagem apagada",
    "Essa mensagem foi apagada",
    "Esta mensagem foi apagada",
    "Você apagou esta mensagem",
    "Dit bericht is verwijderd",
    "U hebt dit bericht verwijderd",
    "Je hebt dit bericht verwijderd",
    "Это сообщение было удалено",
    "Данное сообщение удалено",
    "Вы удалили данное сообщение",
    "Bu mesaj silindi",
    "Bu mesajı sildiniz",
    "Ta wiadomość została usunięta",
    "Usunięto tę wiadomość",
    "Pesan ini telah dihapus",
    "Pesan ini dihapus",
    "Anda menghapus pesan ini",
    "此消息已删除",
    "此訊息已刪除",
    "您删除了此消息",
    "このメッセージは削除されました",
    "삭제된 메시지입니다",
    "تم حذف هذه الرسالة",
    "لقد حذَفت هذه الرسالة",
    "لقد حذفت هذه الرسالة",
    "यह मैसेज डिलीट कर दिया गया है",
];

/// Behind a message that was edited, in angle brackets. Compared without the dot at its end.
pub(super) const EDITED: &[&str] = &[
    "This message was edited",
    "Diese Nachricht wurde bearbeitet",
    "Se editó este mensaje",
    "Este mensaje fue editado",
    "Ce message a été modifié",
    "Questo messaggio è stato modificato",
    "Mensagem editada",
    "Essa mensagem foi editada",
    "Esta mensagem foi editada",
    "Dit bericht is bewerkt",
    "Данное сообщение изменено",
    "Это сообщение изменено",
    "Bu mesaj düzenlendi",
    "Ta wiadomość została edytowana",
    "Pesan ini diedit",
    "此消息已编辑",
    "此訊息已編輯",
    "このメッセージは編集されました",
];

/// Behind the name of a file on Android, in brackets.
pub(super) const ATTACHED: &[&str] = &[
    "file attached",
    "Datei angehängt",
    "archivo adjunto",
    "fichier joint",
    "file allegato",
    "arquivo anexado",
    "ficheiro anexado",
    "bestand bijgevoegd",
    "файл добавлен",
    "dosya ekli",
    "załączono plik",
    "plik załączony",
    "file terlampir",
    "文件附件",
    "檔案已附加",
    "添付ファイル",
    "파일 첨부됨",
    "الملف مرفق",
    "फ़ाइल संलग्न है",
];

/// Calls and the like that iOS puts into somebody's mouth. Compared by their beginning, in lower case.
pub(super) const CALLS: &[&str] = &[
    "missed voice call",
    "missed video call",
    "missed group",
    "voice call",
    "video call",
    "silenced voice call",
    "silenced video call",
    "verpasster sprachanruf",
    "verpasster videoanruf",
    "sprachanruf",
    "videoanruf",
    "llamada perdida",
    "videollamada perdida",
    "llamada de voz",
    "videollamada",
    "appel vocal",
    "appel vidéo",
    "chiamata vocale",
    "videochiamata",
    "chamada de voz",
    "ligação de voz",
    "ligação de vídeo",
    "gemist",
];

/// Calls that Android puts into somebody's mouth: the whole text. In lower case.
pub(super) const MISSED: &[&str] = &[
    "missed voice call",
    "missed video call",
    "missed group voice call",
    "missed group video call",
    "verpasster sprachanruf",
    "verpasster videoanruf",
    "llamada perdida",
    "videollamada perdida",
    "appel vocal manqué",
    "appel vidéo manqué",
    "chiamata vocale persa",
    "videochiamata persa",
    "chamada de voz perdida",
    "chamada de vídeo perdida",
    "gemiste spraakoproep",
    "gemiste video-oproep",
    "пропущенный аудиозвонок",
    "пропущенный видеозвонок",
];

/// What the app says of itself and of groups, behind its mark. Looked for anywhere, in lower case; other words of the
/// app are left out as well, and counted apart.
pub(super) const SYSTEM: &[&str] = &[
    "end-to-end encrypted",
    "security code",
    "created this group",
    "created group",
    "joined using",
    "changed the subject",
    "changed the group",
    "changed this group",
    "changed their phone number",
    "changed to",
    "disappearing messages",
    "added you",
    "you added",
    "you were added",
    "you removed",
    "you left",
    "you joined",
    "is a contact",
    "ende-zu-ende-verschlüsselt",
    "sicherheitsnummer",
    "hat diese gruppe erstellt",
    "hat die gruppe erstellt",
    "cifrados de extremo a extremo",
    "chiffrés de bout en bout",
    "crittografati end-to-end",
    "criptografia de ponta a ponta",
    "end-to-end versleuteld",
    "сквозным шифрованием",
    "端到端加密",
    "端對端加密",
    "رمز أمانك",
    "مشفرة تمامًا بين الطرفين",
];

/// The message never arrived at the phone that exported.
pub(super) const WAITING: &[&str] = &[
    "Waiting for this message. This may take a while",
    "Warten auf diese Nachricht. Dies kann eine Weile dauern",
    "Esperando este mensaje. Esto puede demorar un momento",
    "En attente de ce message. Cela peut prendre un moment",
    "In attesa del messaggio. Potrebbe volerci un po' di tempo",
    "Aguardando mensagem. Essa ação pode levar alguns instantes",
];

/// In front of a place, with a colon behind it. In lower case.
pub(super) const LOCATION: &[&str] = &[
    "location",
    "live location",
    "standort",
    "ubicación",
    "localisation",
    "posizione",
    "localização",
    "locatie",
    "konum",
    "lokasi",
    "位置",
    "местоположение",
];

/// A poll, with a colon behind it.
pub(super) const POLL: &[&str] =
    &["POLL", "UMFRAGE", "ENCUESTA", "SONDAGE", "SONDAGGIO", "ENQUETE", "PEILING", "ОПРОС", "ANKET"];

/// "Group": in a line that the app wrote, it tells that this is one. In lower case.
pub(super) const GROUP: &[&str] = &[
    "group",
    "gruppe",
    "grupo",
    "groupe",
    "gruppo",
    "groep",
    "групп",
    "груп",
    "grup",
    "grupp",
    "群组",
    "群組",
    "グループ",
    "그룹",
    "مجموعة",
    "קבוצ",
    "ग्रुप",
    "समूह",
    "skupin",
    "csoport",
];

/// What exports are called: what stands in front of the name of the chat, and behind it.
pub(super) const FILE_NAMES: &[(&str, &str)] = &[
    ("WhatsApp Chat with ", ""),
    ("WhatsApp Chat - ", ""),
    ("WhatsApp Chat mit ", ""),
    ("WhatsApp-Chat mit ", ""),
    ("Chat de WhatsApp con ", ""),
    ("Discussion WhatsApp avec ", ""),
    ("Chat WhatsApp con ", ""),
    ("Conversa do WhatsApp com ", ""),
    ("WhatsApp-chat met ", ""),
    ("Чат WhatsApp с контактом ", ""),
    ("Чат WhatsApp с ", ""),
    ("Czat WhatsApp z użytkownikiem ", ""),
    ("Czat WhatsApp z ", ""),
    ("Chat WhatsApp dengan ", ""),
    ("WhatsApp-chatt med ", ""),
    ("WhatsApp-samtale med ", ""),
    ("", " ile WhatsApp Sohbeti"),
    ("与", "的 WhatsApp 聊天"),
    ("WhatsApp 與", "的對話"),
    ("", "とのWhatsAppチャット"),
    ("", "님과 WhatsApp 대화"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_as_they_stand_there() {
        assert_eq!(omitted("<Media omitted>"), Some(Omitted::Any));
        assert_eq!(omitted("Bild weggelassen"), Some(Omitted::Picture));
        assert_eq!(omitted("Contact card omitted"), Some(Omitted::Card));
        assert_eq!(omitted("the image omitted a detail"), None);
        assert_eq!(omitted("<html>"), None);
    }

    #[test]
    fn tables_are_written_as_they_are_compared() {
        for word in OMITTED
            .iter()
            .flat_map(|(words, _)| *words)
            .chain(CALLS)
            .chain(MISSED)
            .chain(SYSTEM)
            .chain(LOCATION)
            .chain(GROUP)
        {
            assert_eq!(**word, word.to_lowercase());
        }
        // In capitals they may be a little longer.
        for word in OMITTED.iter().flat_map(|(words, _)| *words).chain(MISSED) {
            assert!(word.len() + 16 <= LONGEST, "{word}");
        }
        for words in [DELETED, EDITED, WAITING] {
            assert!(words.iter().all(|w| !w.ends_with('.')));
        }
    }
}
