//! What columns and keys are called, in the languages of those who export.

use std::sync::LazyLock;

/// What a column could be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Role {
    /// The export's own id of the message.
    Id,
    /// Who wrote it.
    Sender,
    /// His name.
    Nickname,
    /// His picture.
    FaceUrl,
    /// To whom, in a chat of two.
    Receiver,
    /// Who is at the other end, whoever wrote.
    Other,
    /// In which group or channel.
    Group,
    /// What the conversation is called.
    Conversation,
    /// Whether two people or a group talk.
    Kind,
    /// When.
    Time,
    /// The words.
    Text,
    /// Text, picture, somebody joined.
    Type,
    /// From which platform.
    Platform,
    /// Whether the maker of the export wrote it.
    Mine,
    /// Which message it answers.
    Quote,
    /// Somebody who may have written it, and may as well be whom the export belongs to.
    Owner,
    /// What a conversation is about, or a part of it.
    Topic,
    /// Words about a message more often than its own.
    Remark,
    /// Files that a message has.
    Files,
    /// Whether, or when, it was taken back or deleted.
    TakenBack,
    /// What became of it.
    State,
}

/// Names in words, most usual first. A word of two meanings stands where it is the whole name.
const NAMES: &[(Role, &str)] = &[
    (
        Role::Id,
        "message id|msg id|msgid|message key|msg key|msg uid|msguid|server msg id|client msg id|post id|event id|\
         msg svr id|msgsvrid|local id|msgidserver|msgidclient|id|uuid|guid|_id|key|mid|\
         消息id|消息编号|消息序号|訊息id|nachrichten id|nachricht id|mensaje id|id mensaje|id mensagem|id message|\
         id сообщения|メッセージid|메시지 id|메시지id",
    ),
    (
        Role::Sender,
        "send id|sender id|from id|from user id|from account|from|sender|author id|author|user id|userid|uid|\
         from user|from username|user|username|user name|sent by|written by|posted by|poster|\
         nick|handle|who|actor|email|user email|from email|sender email|sender accid|from accid|send_id|wrote by|\
         发送者|发送人|发件人|发信人|发送者id|发送人id|发送方|发言人|用户|用户id|用户名|作者|傳送者|寄件者|使用者|\
         absender|verfasser|autor|benutzer|von|nutzer|remitente|usuario|de|emisor|expéditeur|expediteur|auteur|\
         utilisateur|remetente|usuário|mittente|utente|отправитель|автор|пользователь|от|送信者|投稿者|ユーザー|\
         ユーザーid|보낸사람|보낸 사람|작성자|사용자|발신자|gönderen|pengirim|người gửi|المرسل|afzender|nadawca|avsändare|afsender|lähettäjä|odesílatel|odesilatel|feladó|αποστολέας|فرستنده|שולח|ผู้ส่ง",
    ),
    (
        Role::Nickname,
        "sender nickname|nickname|nick name|sender name|from name|from nick|author name|display name|user display name|\
         full name|sender full name|real name|name|user real name|talker name|remark|alias|screen name|\
         昵称|发送者昵称|发送者名称|发送人姓名|姓名|备注|暱稱|anzeigename|absendername|name des absenders|nombre|\
         nombre del remitente|nom|nom complet|nome|имя|имя отправителя|名前|氏名|表示名|이름|닉네임|별명",
    ),
    (
        Role::FaceUrl,
        "face url|faceurl|sender face url|avatar|avatar url|icon|icon url|photo url|picture|profile url|profile image|\
         profile picture|portrait|headimg|head img|头像|头像地址|avatarurl|profilbild|foto|фото|аватар|アイコン|프로필",
    ),
    (
        Role::Receiver,
        "recv id|destination|destination id|sent to|addressee|receiver id|recipient id|to id|to user id|to account|to|receiver|recipient|to user|peer|peer id|\
         target|target id|targetid|to username|to accid|recv_id|\
         接收者|接收人|收件人|收信人|接收者id|接收人id|接收方|收件者|empfänger|empfaenger|an|destinatario|para|\
         destinataire|à|destinatário|получатель|кому|受信者|宛先|받는사람|받는 사람|수신자|alıcı|penerima|người nhận|المستلم|ontvanger|odbiorca|mottagare|modtager|vastaanottaja|příjemce|címzett|παραλήπτης|گیرنده|נמען|ผู้รับ",
    ),
    (
        Role::Other,
        "chat with|chats with|chatting with|conversation with|talk with|talking to|with|with user|with id|contact|contact id|\
         contact name|contact number|contact phone|partner|partner id|partner name|chat partner|counterpart|counterparty|\
         interlocutor|other|other id|other user|other party|other person|other number|other end|opponent|friend|friend id|\
         friend name|buddy|correspondent|remote|remote id|remote party|remote number|their number|them|peer|peer id|peer name|\
         peer user|peer number|对方|对方id|对方账号|对方昵称|聊天对象|联系人|好友|對方|聯絡人|gesprächspartner|chatpartner|kontakt|\
         gegenüber|contacto|contacto id|interlocuteur|correspondant|contato|contatto|собеседник|контакт|相手|連絡先|상대방|상대|\
         연락처",
    ),
    (
        Role::Group,
        "group id|conv id|conversation key|room key|thread key|chat key|chat ref|group chat id|groupid|channel id|channelid|room id|roomid|conversation id|conversationid|chat id|chatid|thread id|\
         dialog id|tid|rid|cid|session id|chatroom id|channel url|group_id|stream id|thread path|\
         群id|群组id|群号|群聊id|会话id|群編號|頻道id|聊天id|gruppen id|kanal id|id del grupo|id del canal|id du groupe|\
         id grupo|id группы|id чата|グループid|チャンネルid|ルームid|그룹 id|그룹id|채널 id|방 id",
    ),
    (
        Role::Conversation,
        "channel|channel name|group|group name|room|room name|conversation|conversation name|chat|chat name|stream|\
         thread|dialog|talker|talker id|chat session|thread path|channel title|room title|chat title|conversation title|\
         群|群名|群聊|群名称|群组|群組|频道|頻道|会话|會話|聊天|房间|gruppe|kanal|unterhaltung|grupo|canal|conversación|groupe|\
         conversation|gruppo|canale|группа|канал|чат|беседа|グループ|チャンネル|ルーム|그룹|채널|방|대화방|grup|kanal|kanaal|groep|kanał|grupa|grupp|ryhmä|skupina|گروه|קבוצה|กลุ่ม",
    ),
    (
        Role::Kind,
        "session type|conversation type|chat kind|conversation kind|room kind|channel kind|thread kind|thread type|group type|\
         dialog type|is dm|conv type|conversationtype|convtype|chat type|chattype|channel type|channeltype|\
         room type|target type|targettype|is group|isgroup|is direct|private|会话类型|聊天类型|群聊类型|會話類型|\
         kanaltyp|chattyp|tipo de chat|tipo de canal|type de conversation|type de canal|тип чата|チャット種別|채널 유형",
    ),
    (
        Role::Time,
        "send time|sendtime|sent at|sent|sent time|sent on|send at|msg at|message at|at|zeitpunkt|create time|created at|createtime|created|create at|timestamp|time stamp|time|\
         date|datetime|date time|ts|msg time|msg timestamp|message time|message date|post time|creation time|date sent|\
         sent date|posted at|post creation time|epoch|when|str time|origin server ts|created_at|\
         时间|发送时间|消息时间|日期|时间戳|创建时间|時間|發送時間|傳送時間|zeit|datum|uhrzeit|zeitstempel|gesendet|\
         gesendet am|fecha|hora|fecha y hora|enviado|date d'envoi|heure|horodatage|envoyé le|data|data e hora|data ora|\
         дата|время|дата и время|отправлено|日時|送信日時|時刻|投稿日時|날짜|시간|보낸 시간|일시|tarih|zaman|waktu|tanggal|\
         thời gian|ngày|التاريخ|الوقت|tijd|tijdstip|verzonden|czas|wysłano|tid|tidpunkt|dato|aika|čas|dátum|ημερομηνία|ώρα|تاریخ|زمان|זמן|תאריך|เวลา|วันที่",
    ),
    (
        Role::Text,
        "text|content|message|msg|body|message text|message body|message content|msg content|msg body|post message|\
         contents|str content|plain text|raw content|words|body text|body html|html body|body plain|msg text|chat message|\
         内容|消息|消息内容|文本|正文|聊天内容|訊息|訊息內容|內容|nachricht|text der nachricht|inhalt|mensaje|texto|contenido|\
         cuerpo|message texte|texte|contenu|mensagem|conteúdo|conteudo|messaggio|testo|сообщение|текст|содержание|本文|\
         メッセージ|内容|메시지|내용|대화|mesaj|metin|pesan|isi|tin nhắn|nội dung|الرسالة|النص|bericht|treść|wiadomość|meddelande|besked|melding|viesti|zpráva|üzenet|μήνυμα|متن|پیام|הודעה|ข้อความ",
    ),
    (
        Role::Owner,
        "account|account id|user account|own account|account name|account number|owner|owner id|me|my id|my number|my phone|my name|own id|own number|self|self id|profile|本人|本机|本机号码|我|我的账号|konto|ich|cuenta|compte|аккаунт|я|アカウント|自分|계정|나|creator|created by|member id|member|agent|负责人|所有者",
    ),
    (
        Role::Topic,
        "topic|topic id|subject|title|session|ticket|ticket id|case id|主题|тема|betreff|asunto|sujet",
    ),
    (
        Role::Files,
        "attachment|attachments|attachment url|attachment urls|attachment link|attachment links|attachment path|file|files|\
         file url|file urls|file link|file path|filename|file name|media|media url|media path|image|images|image url|\
         photo|photos|photo url|picture|pictures|document|documents|document url|video|video url|audio|audio url|voice url|\
         附件|附件地址|附件链接|文件|文件地址|文件路径|图片|图片地址|圖片|媒体|anhang|anhänge|datei|dateien|bild|bilder|foto|fotos|\
         adjunto|adjuntos|archivo|archivos|imagen|pièce jointe|pièces jointes|fichier|fichiers|anexo|anexos|arquivo|arquivos|\
         allegato|allegati|вложение|вложения|файл|файлы|фото|添付|添付ファイル|ファイル|画像|첨부|첨부파일|파일|이미지",
    ),
    (
        Role::Remark,
        "comment|comments|note|notes|description|payload|remarks|caption|备注|kommentar|комментарий",
    ),
    (
        Role::Type,
        "message type|msg type|record type|record kind|entry type|row type|item type|messagetype|msgtype|content type|contenttype|type|post type|sub type|subtype|event type|event|\
         type name|object name|classname|kind|category|消息类型|类型|消息種類|類型|訊息類型|nachrichtentyp|typ|art|tipo|\
         tipo de mensaje|type de message|tipo de mensagem|тип|тип сообщения|種類|種別|유형|메시지 유형|종류",
    ),
    (
        Role::Platform,
        "platform|platform id|sender platform id|client|client type|device|device type|source|from client type|\
         msg from platform|平台|客户端|设备|plattform|gerät|plataforma|plateforme|платформа|プラットフォーム|플랫폼",
    ),
    (
        Role::Mine,
        "is sender|is self|is me|from me|is from me|is mine|outgoing|is outgoing|direction|is send|is sent|des|\
         是否发送|是否本人|方向|richtung|dirección|sens|направление|方向性|방향",
    ),
    (
        Role::TakenBack,
        "deleted|is deleted|date deleted|deleted on|deleted date|delete date|date removed|removed on|date revoked|revoked on|\
         revoke date|date recalled|recalled on|recall date|deleted by|revoked by|recalled by|removed by|deleted flag|del flag|delete flag|deleted at|delete time|deleted time|removed|is removed|removed at|\
         revoked|is revoked|revoke|is revoke|revoked at|revoke time|recalled|is recalled|recall|is recall|recalled at|recall time|\
         withdrawn|is withdrawn|retracted|is retracted|unsent|is unsent|tombstone|撤回|是否撤回|已撤回|撤回时间|删除|是否删除|\
         已删除|删除时间|gelöscht|eliminado|borrado|supprimé|excluído|удалено|削除|삭제",
    ),
    (
        Role::State,
        "status|state|message status|msg status|message state|msg state|消息状态|状态|estado|statut|статус",
    ),
    (
        Role::Quote,
        "quote|reply to|reply to id|reply to message id|in reply to|replied to|replied to post id|parent id|parent|\
         parent message id|quoted message id|reply id|thread ts|root id|tmid|引用|回复|回复id|回覆|antwort auf|respuesta a|\
         réponse à|resposta a|ответ на|返信先|답장",
    ),
];

/// How well a name fits a role, in percent; 0: not at all. A key's path counts by its last words.
pub(super) fn fits(name: &str, role: Role) -> u32 {
    Name::of(name).fits(role)
}

/// A name, taken apart.
struct Name {
    words: Vec<String>,
    /// Its words without what stands between them.
    text: String,
}

impl Name {
    fn of(name: &str) -> Self {
        let words = words(name);
        Self { text: words.concat(), words }
    }

    fn fits(&self, role: Role) -> u32 {
        /// What stands in [`NAMES`]: taken apart for each column anew, it was half of what `init` computed.
        static KNOWN: LazyLock<Vec<(Role, Vec<Name>)>> = LazyLock::new(|| {
            NAMES.iter().map(|(role, names)| (*role, names.split('|').map(Name::of).collect())).collect()
        });
        let known = KNOWN.iter().filter(|(known, _)| *known == role).flat_map(|(_, names)| names);
        known.map(|known| compare(self, known)).max().unwrap_or(0)
    }
}

/// Words in a name that say that it is about something else than who wrote what when and where: who read it, when it
/// was edited, whom it was given to.
const OTHER: &str = "edited edit deleted delete updated update modified delivered received read seen assigned assignee \
     joined exported imported forwarded forward quoted reply replied parent original expires expired due closed resolved \
     opened pinned pin archived synced scheduled snippet preview internal last previous prev next tenant workspace \
     organization organisation org company department device export import upload uploaded mention mentioned mentions \
     verified visible birth indexed row position inserted reaction reactions reacted \
     编辑 更新 已读 送达 撤回 删除";

/// What is created besides messages: `chat_created_at`.
const CREATED: [&str; 12] = [
    "chat",
    "room",
    "channel",
    "group",
    "conversation",
    "user",
    "account",
    "thread",
    "ticket",
    "member",
    "team",
    "会话",
];

/// Whether a name is about something else than the message itself: `edited_at`, `lastReadBy`, `chatcreatedat`.
pub(super) fn is_of_other(name: &str) -> bool {
    // Of a path the last key counts.
    let last = name.rsplit('.').next().unwrap_or(name);
    let words = words(last);
    let joined = words.concat();
    let long = |word: &str| word.chars().count() >= if word.is_ascii() { 5 } else { 2 };
    OTHER.split_whitespace().any(|other| {
        words.iter().any(|word| word == other)
            || (long(other) && words.len() == 1 && joined.starts_with(other))
    }) || joined.starts_with("lastread")
        || CREATED.iter().any(|what| {
            joined.starts_with(&format!("{what}creat")) || joined.starts_with(&format!("{what}创建"))
        })
}

/// Whether no other role fits a name better.
pub(super) fn is_best(name: &str, role: Role) -> bool {
    let name = Name::of(name);
    let fit = name.fits(role);
    // A name of a person, or of a conversation, is the one's or the other's.
    let same = |other: Role| {
        matches!(
            (role, other),
            (Role::Sender, Role::Nickname)
                | (Role::Group, Role::Conversation)
                | (Role::Conversation, Role::Group)
        )
    };
    // Who is at the other end may be what a chat is called by, or who receives: that is seen by what stands there.
    let others = NAMES.iter().filter(|(other, _)| *other != Role::Other);
    others.into_iter().all(|(other, _)| same(*other) || name.fits(*other) <= fit)
}

/// The same words: 100. The known words at the end, or at the front, of more: less, by how many more.
fn compare(name: &Name, known: &Name) -> u32 {
    if name.text.is_empty() || known.text.is_empty() {
        return 0;
    }
    if name.text == known.text {
        return 100;
    }
    let (all, some) = (name.words.len(), known.words.len());
    let share = |most: usize| u32::try_from(most * some / all.max(1)).unwrap_or(0);
    if all > some {
        if name.words.ends_with(&known.words) {
            return 30 + share(60);
        }
        if name.words.starts_with(&known.words) {
            return 20 + share(50);
        }
        return 0;
    }
    // Chinese and Japanese have no words to split at.
    if !known.text.is_ascii() && known.text.chars().count() > 1 && name.text.contains(&known.text) {
        return 60;
    }
    0
}

/// `fromAccount`, `From_Account` and `from.account` are two words each, `发送者ID` is one and `id`.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for c in name.chars() {
        if c.is_alphanumeric() {
            let begins = !before.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase());
            if begins {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(c.to_lowercase());
            }
        }
        before = c;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(name: &str) -> Role {
        let roles = NAMES.iter().map(|(role, _)| *role);
        roles.max_by_key(|role| fits(name, *role)).unwrap()
    }

    #[test]
    fn names_in_many_languages() {
        for (name, role) in [
            ("message_id", Role::Id),
            ("Post Id", Role::Id),
            ("MsgSvrID", Role::Id),
            ("消息ID", Role::Id),
            ("From_Account", Role::Sender),
            ("sendID", Role::Sender),
            ("发送者", Role::Sender),
            ("Absender", Role::Sender),
            ("отправитель", Role::Sender),
            ("送信者", Role::Sender),
            ("보낸사람", Role::Sender),
            ("author.id", Role::Sender),
            ("fromUser.username", Role::Sender),
            ("senderNickname", Role::Nickname),
            ("昵称", Role::Nickname),
            ("avatarUrl", Role::FaceUrl),
            ("To_Account", Role::Receiver),
            ("接收人", Role::Receiver),
            ("Empfänger", Role::Receiver),
            ("GroupId", Role::Group),
            ("Channel Id", Role::Group),
            ("群号", Role::Group),
            ("Channel Name", Role::Conversation),
            ("Channel Type", Role::Kind),
            ("sessionType", Role::Kind),
            ("会话类型", Role::Kind),
            ("Post Creation Time", Role::Time),
            ("created_at", Role::Time),
            ("发送时间", Role::Time),
            ("fecha", Role::Time),
            ("Datum", Role::Time),
            ("日時", Role::Time),
            ("Post Message", Role::Text),
            ("StrContent", Role::Text),
            ("消息内容", Role::Text),
            ("Nachricht", Role::Text),
            ("mensaje", Role::Text),
            ("Post Type", Role::Type),
            ("消息类型", Role::Type),
            ("is_sender", Role::Mine),
            ("reply_to_message_id", Role::Quote),
            ("Replied to Post Id", Role::Quote),
        ] {
            assert_eq!(best(name), role, "{name}: {} {}", fits(name, best(name)), fits(name, role));
        }
        for name in ["colour", "Zahl", "x", "", "3", "reactions"] {
            assert_eq!(fits(name, best(name)), 0, "{name} as {:?}", best(name));
        }
    }

    #[test]
    fn the_whole_name_beats_a_part_of_it() {
        assert!(fits("Post Id", Role::Id) > fits("Edited By Post Id", Role::Id));
        assert!(fits("User Id", Role::Sender) > fits("User Id", Role::Id));
        assert!(fits("Post Message", Role::Text) > fits("Post Message", Role::Id));
    }
}
