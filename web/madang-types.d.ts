// Made from the table of calls: madangd types.
export interface FieldFault {
  /** JSON pointer to the field. */
  pointer: string;
  /** What is wrong with it. */
  detail: string;
}
export interface Problem {
  /** Always about:blank; code tells what it is. */
  type: string;
  /** One sentence for a person, in the language asked for. */
  title: string;
  status: number;
  /** Stable name of the problem. */
  code: string;
  /** Whether the same request may succeed later. */
  retry: boolean;
  /** Seconds to wait before it. */
  retry_after?: number | null;
  errors: FieldFault[];
  /** To quote when asking for help. */
  request_id: string;
}
export interface SessionOpen {
  /** Access token; not needed when it came as the subprotocol bearer.<token>. */
  token?: string | null;
  /** Last number seen of each topic: what was missed since follows. */
  seen?: Record<string, number>;
}
export interface SessionOpened {
  account: number;
  /** Newest number of each topic joined. */
  heads: Record<string, number>;
  /** When the access token ends: session.renew before. */
  expires: string;
  /** Seconds until then: no clock of the client's is needed. */
  expires_in: number;
}
export interface SessionRenew {
  token: string;
}
export interface SessionRenewed {
  expires: string;
  /** Seconds until then: no clock of the client's is needed. */
  expires_in: number;
}
export interface SessionBeat {
  /** The server's clock. */
  now: string;
}
export interface TopicSince {
  topic: string;
  since: number;
}
export interface KeptEvent {
  /** Number on its topic. */
  seq: number;
  /** Name of the event. */
  ev: string;
  /** What it carries. */
  data: unknown;
}
export interface TopicMissed {
  events: KeptEvent[];
  /** Newest number of the topic. */
  head: number;
  /** False: too much was missed, read the state anew. */
  complete: boolean;
}
export interface SystemTime {
  /** The database's clock. */
  now: string;
}
export interface Service {
  name: string;
  version: string;
  /** Whether login by Kakao is on. */
  kakao: boolean;
  /** Whether login by Google is on. */
  google: boolean;
}
export interface Features {
  /** By name. */
  features: string[];
}
export interface AuditPage {
  /** next of the page before. */
  before?: number | null;
  /** Of this one alone. */
  account?: number | null;
  /** To this one alone: "account:12". */
  object?: string | null;
  limit?: number;
}
export interface AuditEntry {
  id: number;
  at: string;
  /** Whose act it was. */
  account: number;
  /** By which call. */
  call: string;
  /** To what: its kind and number. */
  object: string;
  /** How it was; null: it was not there. */
  before: unknown;
  /** How it is since; null: it is gone. */
  after: unknown;
  /** As the log has it. */
  request: string;
}
export interface AuditEntries {
  entries: AuditEntry[];
  next?: number | null;
}
export interface FileInfo {
  file: number;
  size: number;
  width: number;
  height: number;
  type: string;
  url: string;
  thumb_url: string;
}
export interface FileRef {
  file: number;
}
export interface FileLink {
  url: string;
  thumb_url: string;
  expires: string;
}
export interface CodeRequest {
  email: string;
  purpose: "signup" | "login" | "email";
}
export interface AccountConsents {
  /** Version of the terms agreed to. */
  terms: string;
  /** Version of the privacy policy agreed to. */
  privacy: string;
}
export interface AuthSignup {
  email: string;
  code: string;
  password: string;
  birth_date: string;
  consents: AccountConsents;
  locale?: "ko" | "en" | null;
}
export interface AuthLoggedIn {
  account: number;
  role: "nobody" | "guest" | "newcomer" | "member" | "manager" | "admin";
  access_token: string;
  expires: string;
  /** Seconds until then: no clock of the client's is needed. */
  expires_in: number;
}
export interface Login {
  email: string;
  password: string;
  /** Only after login.code-required. */
  code?: string | null;
}
export interface AuthPasswordForgot {
  email: string;
}
export interface AuthPasswordReset {
  token: string;
  password: string;
}
export interface AuthPasswordChange {
  old_password: string;
  new_password: string;
}
export interface AuthEmailChange {
  email: string;
  /** Sent to the present address. */
  code_old: string;
  /** Sent to the new address. */
  code_new: string;
  password: string;
}
export interface Session {
  id: string;
  device: string;
  address: string;
  created_at: string;
  used_at: string;
  /** The one that asks. */
  current: boolean;
}
export interface Sessions {
  sessions: Session[];
}
export interface SessionRef {
  session: string;
}
export interface Me {
  id: number;
  points: number;
  role: "nobody" | "guest" | "newcomer" | "member" | "manager" | "admin";
  locale: "ko" | "en";
  email?: string | null;
  nickname?: string | null;
  introduction?: string | null;
  avatar?: number | null;
  birth_date?: string | null;
  gender?: "female" | "male" | "other" | null;
  region?: "seoul" | "busan" | "daegu" | "incheon" | "gwangju" | "daejeon" | "ulsan" | "sejong" | "gyeonggi" | "gangwon" | "chungbuk" | "chungnam" | "jeonbuk" | "jeonnam" | "gyeongbuk" | "gyeongnam" | "jeju" | "abroad" | null;
  interests: string[];
  has_password: boolean;
  providers: string[];
  avatar_url?: string | null;
}
export interface MeOnboarding {
  nickname: string;
  /** Needed when the account was made by a provider's login. */
  birth_date?: string | null;
  gender?: "female" | "male" | "other" | null;
  region: "seoul" | "busan" | "daegu" | "incheon" | "gwangju" | "daejeon" | "ulsan" | "sejong" | "gyeonggi" | "gangwon" | "chungbuk" | "chungnam" | "jeonbuk" | "jeonnam" | "gyeongbuk" | "gyeongnam" | "jeju" | "abroad";
  introduction?: string | null;
  interests?: string[];
  /** Needed when the account was made by a provider's login. */
  consents?: AccountConsents | null;
}
export interface MeProfileChange {
  /** Another one costs 100 points. */
  nickname?: string | null;
  introduction?: string | null;
  gender?: "female" | "male" | "other" | null;
  region?: "seoul" | "busan" | "daegu" | "incheon" | "gwangju" | "daejeon" | "ulsan" | "sejong" | "gyeonggi" | "gangwon" | "chungbuk" | "chungnam" | "jeonbuk" | "jeonnam" | "gyeongbuk" | "gyeongnam" | "jeju" | "abroad" | null;
  locale?: "ko" | "en" | null;
  /** A file of mine; null takes the picture away. */
  avatar?: number | null;
  interests?: string[];
  /** True: none at all. */
  clear_interests?: boolean | null;
}
export interface PointsPage {
  before?: number | null;
  limit?: number;
}
export interface PointsEntry {
  id: number;
  amount: number;
  reason: string;
  reference: string;
  at: string;
}
export interface Points {
  entries: PointsEntry[];
  balance: number;
  next?: number | null;
}
export interface AccountExport {
  account: unknown;
  sessions: unknown;
  points: unknown;
  consents: unknown;
}
export interface AccountLeaving {
  /** When the account has one. */
  password?: string | null;
}
export interface NicknameQuery {
  nickname: string;
}
export interface NicknameFree {
  available: boolean;
}
export interface AccountRef {
  account: number;
}
export interface Person {
  id: number;
  nickname?: string | null;
  introduction?: string | null;
  gender?: "female" | "male" | "other" | null;
  region?: "seoul" | "busan" | "daegu" | "incheon" | "gwangju" | "daejeon" | "ulsan" | "sejong" | "gyeonggi" | "gangwon" | "chungbuk" | "chungnam" | "jeonbuk" | "jeonnam" | "gyeongbuk" | "gyeongnam" | "jeju" | "abroad" | null;
  interests: string[];
  relation: "none" | "self" | "friend" | "sent" | "received" | "blocked";
  departed: boolean;
  /** Decade and third of it: 20s early. */
  age_band?: string | null;
  avatar_url?: string | null;
}
export interface PeopleSearch {
  /** How the nickname begins. */
  nickname: string;
  /** next of the page before. */
  after?: string | null;
  limit?: number;
}
export interface PeopleFound {
  account: number;
  nickname: string;
  avatar_url?: string | null;
}
export interface PeopleFoundList {
  people: PeopleFound[];
  next?: string | null;
}
export interface AccountSuspension {
  account: number;
  until: string;
  reason: string;
}
export interface FriendsPage {
  /** How the nickname begins. */
  nickname?: string | null;
  /** next of the page before. */
  after?: string | null;
  limit?: number;
}
export interface Friend {
  account: number;
  nickname?: string | null;
  avatar_url?: string | null;
  /** Of friends, while presence is known. */
  online?: boolean | null;
  since: string;
}
export interface FriendList {
  people: Friend[];
  next?: string | null;
}
export interface SocialAccountOf {
  account: number;
}
export interface FriendState {
  /** sent; or friend, when the other had asked already. */
  state: string;
}
export interface DmMessageRef {
  room: number;
  seq: number;
}
export interface ReportNew {
  account: number;
  reason: string;
  /** Messages of theirs to me; their text is copied as evidence. */
  messages?: DmMessageRef[];
}
export interface ReportId {
  report: number;
}
export interface ReportPage {
  state?: "open" | "accepted" | "dismissed" | null;
  /** Any of these, and of state; without any: all. */
  states?: string[];
  before?: number | null;
  limit?: number;
}
export interface ReportEvidence {
  room: number;
  seq: number;
  sender: number;
  body: string;
  at: string;
}
export interface Report {
  id: number;
  reporter: number;
  reported: number;
  reporter_nickname?: string | null;
  reported_nickname?: string | null;
  reason: string;
  note?: string | null;
  state: "open" | "accepted" | "dismissed";
  evidence: ReportEvidence[];
  at: string;
  decided_at?: string | null;
}
export interface Reports {
  reports: Report[];
  next?: number | null;
}
export interface ReportAccept {
  report: number;
  /** The reported person is suspended until then. */
  until: string;
  note?: string | null;
}
export interface ReportDismiss {
  report: number;
  note?: string | null;
}
export interface DmRoomOpen {
  account: number;
}
export interface PersonCard {
  account: number;
  nickname?: string | null;
  avatar_url?: string | null;
  /** This person has left. */
  departed: boolean;
}
export interface DmPicture {
  file: number;
  /** Good for ten minutes; then files.link. */
  url: string;
  thumb_url: string;
}
export interface DmMessage {
  room: number;
  /** Number in the room. */
  seq: number;
  sender: number;
  client_id: string;
  body: string;
  deleted: boolean;
  at: string;
  images: DmPicture[];
}
export interface DmRoom {
  room: number;
  /** Newest number of the room. */
  head: number;
  /** How far I have read. */
  read: number;
  /** How far the other has. */
  other_read: number;
  unread: number;
  other: PersonCard;
  /** Whether I may write. */
  open: boolean;
  online?: boolean | null;
  last?: DmMessage | null;
  last_at: string;
}
export interface DmRoomPage {
  /** next of the page before. */
  before?: string | null;
  limit?: number;
}
export interface DmRooms {
  rooms: DmRoom[];
  next?: string | null;
  /** In the rooms of this page. */
  unread: number;
}
export interface DmRoomRef {
  room: number;
}
export interface DmHistoryPage {
  room: number;
  /** Older than this number, newest first. */
  before?: number | null;
  /** Newer than this number, oldest first. */
  after?: number | null;
  limit?: number;
}
export interface DmHistory {
  messages: DmMessage[];
  more: boolean;
  /** before, or after, of the next page. */
  next?: number | null;
}
export interface DmSend {
  room: number;
  /** Made by the client; the same again yields the same message. */
  client_id: string;
  /** May be empty when there are images. */
  body: string;
  /** Files of mine. */
  images?: number[];
}
export interface DmDelete {
  room: number;
  seq: number;
}
export interface DmRead {
  room: number;
  seq: number;
}
export interface DmTyping {
  room: number;
}
export interface DmSince {
  room: number;
  since: number;
}
export interface DmMissed {
  events: KeptEvent[];
  head: number;
  /** False: ask again from the last event's number; without an event, or with a hole in the numbers, read the room anew. */
  complete: boolean;
}
export interface PresenceSnapshot {
  /** Friends who are online; all others are not. */
  online: number[];
}
export interface NoticePage {
  before?: number | null;
  limit?: number;
}
export interface Notice {
  notice: number;
  title: string;
  body: string;
  created_at: string;
  edited_at?: string | null;
}
export interface Notices {
  notices: Notice[];
  next?: number | null;
}
export interface NoticeRef {
  notice: number;
}
export interface NoticeNew {
  title: string;
  body: string;
}
export interface NoticeEdit {
  notice: number;
  title: string;
  body: string;
}
export interface TarotOpen {
  /** ko or en; else that of the request. */
  language?: string | null;
}
export interface TarotName {
  ko: string;
  en: string;
}
export interface TarotCard {
  /** 0 to 21 the Major Arcana; then Wands, Cups, Swords, Pentacles, each from the ace to the king. */
  number: number;
  reversed: boolean;
  name: TarotName;
  meaning: string;
}
export interface TarotChat {
  chat: number;
  title: string;
  language: string;
  /** talking; spread: a card may be drawn; drawn: its reading is on its way, or failed; done. */
  state: "talking" | "spread" | "drawn" | "done";
  card?: TarotCard | null;
  /** Of its public page, while it is shared. */
  path?: string | null;
  /** Number of the newest line. */
  lines: number;
  turns_left: number;
  created_at: string;
  at: string;
}
export interface TarotLine {
  /** Number in the chat. */
  seq: number;
  by: "visitor" | "reader" | "card" | "reading" | "help";
  body: string;
  /** Who made it, when the reader speaks. */
  provider?: string | null;
  at: string;
}
export interface TarotRunning {
  turn: number;
  kind: "talk" | "reading" | "help";
  /** So far; deltas follow from its length on. */
  text: string;
  /** Of text, in UTF-16 code units. */
  length: number;
}
export interface TarotState {
  chat: TarotChat;
  lines: TarotLine[];
  /** More lines follow: ask since the last of these. */
  more: boolean;
  turn?: TarotRunning | null;
  /** That the readings are made by AI. */
  notice: string;
}
export interface TarotPage {
  /** next of the page before. */
  before?: string | null;
  limit?: number;
}
export interface TarotChats {
  chats: TarotChat[];
  next?: string | null;
}
export interface TarotSince {
  /** The chat. */
  chat: number;
  /** Lines after this number. */
  since?: number;
}
export interface TarotSay {
  /** The chat. */
  chat: number;
  text: string;
}
export interface TarotTurnRef {
  chat: number;
  turn: number;
}
export interface TarotRef {
  /** The chat. */
  chat: number;
}
export interface TarotDrawn {
  chat: number;
  turn: number;
  card: TarotCard;
}
export interface TarotRename {
  /** The chat. */
  chat: number;
  title: string;
}
export interface TarotShared {
  code: string;
  /** Of the public page, from the root. */
  path: string;
}
export interface TarotCode {
  code: string;
}
export interface TarotPublic {
  card: TarotCard;
  reading: string;
  language: string;
  notice: string;
  date: string;
}
export interface TarotMeaning {
  ko: string;
  en: string;
}
export interface TarotDeckCard {
  ko: string;
  en: string;
  upright: TarotMeaning;
  reversed: TarotMeaning;
}
export interface TarotDeck {
  /** By their numbers. */
  cards: TarotDeckCard[];
}
export interface VideoOpen {
  /** What the guest reads at the door. */
  title?: string | null;
  /** Else one is made. */
  password?: string | null;
}
export interface VideoOpened {
  room: string;
  /** Told this once; what is kept is a hash. */
  password: string;
  /** Of the room's page, from the root. */
  path: string;
  /** Unless it is used. */
  expires: string;
}
export interface VideoTry {
  room: string;
  /** Not needed by the host, and by who has a place in the room. */
  password?: string | null;
}
export interface VideoChecked {
  title: string;
  /** I am. */
  host: boolean;
  /** There is no place for me now. */
  full: boolean;
}
export interface VideoJoin {
  room: string;
  /** Not needed by the host, and by who has a place in the room. */
  password?: string | null;
  /** A random name of this page's life: with another one the others begin their connections anew. */
  page: string;
}
export interface VideoPeer {
  /** Name in this room. */
  peer: string;
  page: string;
  host: boolean;
  /** When two offers cross, I give way to this peer (perfect negotiation). */
  polite: boolean;
}
export interface VideoIceServer {
  urls: string[];
  username?: string | null;
  credential?: string | null;
}
export interface VideoIceConfig {
  servers: VideoIceServer[];
  /** iceTransportPolicy. */
  policy: "all" | "relay";
  /** Ask again by then (video.ice). */
  ttl_s: number;
}
export interface VideoJoined {
  title: string;
  /** My name in this room. */
  peer: string;
  /** I am. */
  host: boolean;
  /** The others. */
  peers: VideoPeer[];
  ice: VideoIceConfig;
}
export interface VideoRoomRef {
  room: string;
}
export interface VideoSessionDescription {
  type: "offer" | "answer";
  sdp: string;
}
export interface VideoIceCandidate {
  /** Empty: there are no more. */
  candidate: string;
  /** sdpMid. */
  mid?: string | null;
  /** usernameFragment. */
  fragment?: string | null;
  /** sdpMLineIndex. */
  line?: number | null;
}
export type VideoSignal = | {
  room: string;
  to: string;
  /** Either this … */
  description: VideoSessionDescription;
  /** … or this. */
  candidate?: null;
} | {
  room: string;
  to: string;
  /** Either this … */
  description?: null;
  /** … or this. */
  candidate: VideoIceCandidate;
};
export interface VideoPeerRef {
  room: string;
  peer: string;
}
export interface MeChanged {
  account: number;
}
export interface FriendChange {
  other: PersonCard;
  /** I did it, perhaps elsewhere. */
  mine: boolean;
}
export interface DmDeleted {
  room: number;
  /** Its number. */
  message: number;
}
export interface DmReadMark {
  room: number;
  account: number;
  upto: number;
}
export interface DmTypingEvent {
  room: number;
  account: number;
}
export interface PresenceChange {
  account: number;
  online: boolean;
}
export interface PresenceChanges {
  changes: PresenceChange[];
}
export interface TarotStarted {
  chat: number;
  turn: number;
  kind: "talk" | "reading" | "help";
}
export interface TarotDelta {
  chat: number;
  turn: number;
  /** Where it begins in the turn's text, in UTF-16 code units; a hole: read the chat. */
  from: number;
  text: string;
}
export interface TarotEnded {
  chat: number;
  turn: number;
  /** left: nobody listened any more. */
  reason: "done" | "stopped" | "left";
  line?: TarotLine | null;
}
export interface TarotProblem {
  code: string;
  title: string;
  retry: boolean;
  retry_after?: number | null;
}
export interface TarotFailed {
  chat: number;
  turn: number;
  problem: TarotProblem;
}
export interface TarotResult {
  chat: number;
  reading: string;
  card: TarotCard;
}
export interface TarotCardDrawn {
  chat: number;
  card: TarotCard;
}
export interface VideoArrival {
  room: string;
  peer: VideoPeer;
  /** Its place was kept; with the same page, its connections may still stand. */
  again: boolean;
}
export interface VideoDeparture {
  room: string;
  peer: string;
  /** lost: it did not come back in time. */
  reason: "left" | "lost" | "kicked";
}
export type VideoSignalled = | {
  room: string;
  from: string;
  /** Of the sender: what a page before it said is of no use. */
  page: string;
  description: VideoSessionDescription;
  candidate?: null;
} | {
  room: string;
  from: string;
  /** Of the sender: what a page before it said is of no use. */
  page: string;
  description?: null;
  candidate: VideoIceCandidate;
};
export interface VideoClosed {
  room: string;
  /** closed or host-left: for all; kicked, moved (joined elsewhere), gone (the place was lost): for me. */
  reason: "closed" | "host-left" | "kicked" | "moved" | "gone";
}
export interface Calls {
  /** Opens the session of this socket: joins its topics and tells what was missed. May come with the upgrade, as the subprotocol open.<base64url of the input>; then it is answered with the id 0. */
  "session.open": { in: SessionOpen; out: SessionOpened };
  /** Goes on with a fresh access token of the same account. */
  "session.renew": { in: SessionRenew; out: SessionRenewed };
  /** Shows that the client is alive, and tells the time. */
  "session.beat": { in: Record<string, never>; out: SessionBeat };
  /** Numbered events of a topic of mine after a number. */
  "topic.sync": { in: TopicSince; out: TopicMissed };
  /** The time, as the database has it. */
  "system.time": { in: Record<string, never>; out: SystemTime };
  /** What this service is and which ways of logging in it offers. */
  "system.info": { in: Record<string, never>; out: Service };
  /** Which families of calls this service has switched on. */
  "system.features": { in: Record<string, never>; out: Features };
  /** What managers did, newest first: who, by which call, to what, and how that was before and after. */
  "audit.list": { in: AuditPage; out: AuditEntries };
  /** A fresh address of a picture that I may see. */
  "files.link": { in: FileRef; out: FileLink };
  /** Mails a code of six digits. The answer does not tell whether the address is known. */
  "auth.code": { in: CodeRequest; out: Record<string, never> };
  /** Makes an account with the mailed code, and logs in. A guest keeps what is theirs. */
  "auth.signup": { in: AuthSignup; out: AuthLoggedIn };
  /** Logs in by e-mail address and password. What a guest has goes along. */
  "auth.login": { in: Login; out: AuthLoggedIn };
  /** A fresh access token for the refresh cookie, which changes with each use. */
  "auth.refresh": { in: Record<string, never>; out: AuthLoggedIn };
  /** Ends this session. */
  "auth.logout": { in: Record<string, never>; out: Record<string, never> };
  /** A short-lived identity without a name. */
  "auth.guest": { in: Record<string, never>; out: AuthLoggedIn };
  /** Mails a link to set a new password. */
  "auth.forgot": { in: AuthPasswordForgot; out: Record<string, never> };
  /** Sets a new password with the mailed token; every session ends. */
  "auth.reset": { in: AuthPasswordReset; out: Record<string, never> };
  /** Changes the password; every other session ends. */
  "auth.password": { in: AuthPasswordChange; out: Record<string, never> };
  /** Changes the e-mail address, by codes mailed to both; every other session ends. */
  "auth.email": { in: AuthEmailChange; out: Record<string, never> };
  /** Where I am logged in. */
  "sessions.list": { in: Record<string, never>; out: Sessions };
  /** Ends one of my sessions. */
  "sessions.end": { in: SessionRef; out: Record<string, never> };
  /** Ends all my sessions but this. */
  "sessions.end-others": { in: Record<string, never>; out: Record<string, never> };
  /** My account and profile. */
  "me.get": { in: Record<string, never>; out: Me };
  /** Completes the profile: a newcomer becomes a member and gets 1000 points. */
  "me.onboard": { in: MeOnboarding; out: AuthLoggedIn };
  /** Changes my profile. */
  "me.update": { in: MeProfileChange; out: Me };
  /** My points and how they came, newest first. */
  "me.points": { in: PointsPage; out: Points };
  /** What is kept about me. */
  "me.export": { in: Record<string, never>; out: AccountExport };
  /** Erases my personal data and ends the account. */
  "me.leave": { in: AccountLeaving; out: Record<string, never> };
  /** Whether a nickname is free. */
  "nickname.check": { in: NicknameQuery; out: NicknameFree };
  /** Somebody's profile, and what we are to each other. */
  "people.get": { in: AccountRef; out: Person };
  /** People whose nickname begins so. */
  "people.search": { in: PeopleSearch; out: PeopleFoundList };
  /** Suspends an account until a time, for a reason. */
  "accounts.suspend": { in: AccountSuspension; out: Record<string, never> };
  /** Ends a suspension. */
  "accounts.unsuspend": { in: AccountRef; out: Record<string, never> };
  /** My friends by nickname, and whether they are online. */
  "friends.list": { in: FriendsPage; out: FriendList };
  /** Who asked me. */
  "friends.received": { in: FriendsPage; out: FriendList };
  /** Whom I asked. */
  "friends.sent": { in: FriendsPage; out: FriendList };
  /** Asks somebody to be friends; two requests that cross make a friendship. */
  "friends.request": { in: SocialAccountOf; out: FriendState };
  /** Accepts somebody's request. */
  "friends.accept": { in: SocialAccountOf; out: Record<string, never> };
  /** Rejects somebody's request. */
  "friends.reject": { in: SocialAccountOf; out: Record<string, never> };
  /** Takes my request back. */
  "friends.cancel": { in: SocialAccountOf; out: Record<string, never> };
  /** Ends a friendship. */
  "friends.remove": { in: SocialAccountOf; out: Record<string, never> };
  /** Whom I have blocked. */
  "blocks.list": { in: FriendsPage; out: FriendList };
  /** Blocks somebody: no friendship, messages, presence or search between us. */
  "blocks.add": { in: SocialAccountOf; out: Record<string, never> };
  /** Ends a block. */
  "blocks.remove": { in: SocialAccountOf; out: Record<string, never> };
  /** Reports somebody to the managers, with messages as evidence. */
  "reports.add": { in: ReportNew; out: ReportId };
  /** Reports, newest first. */
  "reports.list": { in: ReportPage; out: Reports };
  /** Accepts a report and suspends the reported person. */
  "reports.accept": { in: ReportAccept; out: Record<string, never> };
  /** Dismisses a report. */
  "reports.dismiss": { in: ReportDismiss; out: Record<string, never> };
  /** The room of a friend and me, made on first use. */
  "dm.open": { in: DmRoomOpen; out: DmRoom };
  /** My rooms by last message. */
  "dm.rooms": { in: DmRoomPage; out: DmRooms };
  /** A room of mine. */
  "dm.room": { in: DmRoomRef; out: DmRoom };
  /** Messages of a room of mine, by number in both directions. */
  "dm.history": { in: DmHistoryPage; out: DmHistory };
  /** Sends a message to a room of mine. */
  "dm.send": { in: DmSend; out: DmMessage };
  /** Deletes a message of mine; a tombstone stays. */
  "dm.delete": { in: DmDelete; out: Record<string, never> };
  /** Marks a room as read up to a number. */
  "dm.read": { in: DmRead; out: Record<string, never> };
  /** Shows the other that I am typing. */
  "dm.typing": { in: DmTyping; out: Record<string, never> };
  /** All that happened in a room of mine after a number, in order. */
  "dm.sync": { in: DmSince; out: DmMissed };
  /** Which of my friends are online. */
  "presence.friends": { in: Record<string, never>; out: PresenceSnapshot };
  /** Notices, newest first. */
  "notices.list": { in: NoticePage; out: Notices };
  /** A notice. */
  "notices.get": { in: NoticeRef; out: Notice };
  /** Posts a notice. */
  "notices.post": { in: NoticeNew; out: Notice };
  /** Changes a notice. */
  "notices.edit": { in: NoticeEdit; out: Notice };
  /** Takes a notice away. */
  "notices.delete": { in: NoticeRef; out: Record<string, never> };
  /** Begins a chat with the reader. A socket listens to it from then on. */
  "tarot.open": { in: TarotOpen; out: TarotState };
  /** My chats, newest first. */
  "tarot.list": { in: TarotPage; out: TarotChats };
  /** A chat, its lines after a number, and what is being said at the moment. A socket listens to it from then on. */
  "tarot.read": { in: TarotSince; out: TarotState };
  /** Says something; the reader answers in events of the chat's topic. */
  "tarot.say": { in: TarotSay; out: TarotTurnRef };
  /** Draws the card, once; the reading follows in events. After a failed reading: reads the same card again. */
  "tarot.draw": { in: TarotRef; out: TarotDrawn };
  /** The reader need not say more; harmless when it is silent. */
  "tarot.stop": { in: TarotRef; out: Record<string, never> };
  /** Gives a chat another title. */
  "tarot.rename": { in: TarotRename; out: Record<string, never> };
  /** Takes a chat away, and its public page. */
  "tarot.remove": { in: TarotRef; out: Record<string, never> };
  /** Gives the reading a public page; the same one when it has one. */
  "tarot.share": { in: TarotRef; out: TarotShared };
  /** Takes the public page away. */
  "tarot.unshare": { in: TarotRef; out: Record<string, never> };
  /** A shared reading: card, words and date, and nothing about the person, nor what they said. */
  "tarot.shared": { in: TarotCode; out: TarotPublic };
  /** All cards: names and meanings. */
  "tarot.cards": { in: Record<string, never>; out: TarotDeck };
  /** Opens a consultation room of mine. Who joins needs its code and password. */
  "video.open": { in: VideoOpen; out: VideoOpened };
  /** Whether a room would let me in; a wrong password counts as a try. */
  "video.check": { in: VideoTry; out: VideoChecked };
  /** Takes a place in a room, or comes back to mine. From then on this socket hears of the room, and no other of mine. */
  "video.join": { in: VideoJoin; out: VideoJoined };
  /** Fresh credentials for the TURN servers. */
  "video.ice": { in: VideoRoomRef; out: VideoIceConfig };
  /** To the browser of another in the room: a session description, or a candidate. */
  "video.signal": { in: VideoSignal; out: Record<string, never> };
  /** Gives my place up. When the host leaves, the room is closed. */
  "video.leave": { in: VideoRoomRef; out: Record<string, never> };
  /** Closes my room. */
  "video.close": { in: VideoRoomRef; out: Record<string, never> };
  /** Sends somebody out of my room, not to come back with this account. */
  "video.kick": { in: VideoPeerRef; out: Record<string, never> };
}
export interface Events {
  /** Something about me changed: read me.get again. */
  "me.changed": MeChanged;
  /** Somebody asked me, or I asked (mine). */
  "friend.requested": FriendChange;
  /** We are friends now. */
  "friend.accepted": FriendChange;
  /** A request was rejected. */
  "friend.rejected": FriendChange;
  /** A request was taken back. */
  "friend.cancelled": FriendChange;
  /** We are friends no more. */
  "friend.removed": FriendChange;
  /** A room with somebody began: read it with dm.room. */
  "dm.opened": DmRoomRef;
  /** A message. */
  "dm.message": DmMessage;
  /** A message was deleted by its writer. */
  "dm.deleted": DmDeleted;
  /** Somebody has read up to a number. */
  "dm.read": DmReadMark;
  /** Somebody is typing; good for five seconds. */
  "dm.typing": DmTypingEvent;
  /** Friends came or went. */
  "presence.changed": PresenceChanges;
  /** Friends online, after opening. */
  "presence.snapshot": PresenceSnapshot;
  /** A notice was posted. */
  "notice.posted": Notice;
  /** A notice was changed. */
  "notice.edited": Notice;
  /** A notice was taken away. */
  "notice.deleted": NoticeRef;
  /** The reader begins to speak. */
  "tarot.started": TarotStarted;
  /** What the reader says, as it comes. */
  "tarot.delta": TarotDelta;
  /** The reader has spoken; it is kept. */
  "tarot.ended": TarotEnded;
  /** The reader could not go on; the chat can. */
  "tarot.failed": TarotFailed;
  /** The cards lie open: draw one. */
  "tarot.spread": TarotRef;
  /** The reading. */
  "tarot.result": TarotResult;
  /** The card was drawn. */
  "tarot.card": TarotCardDrawn;
  /** Somebody came, or came back. */
  "video.peer-joined": VideoArrival;
  /** Somebody's socket is gone; the place is kept for a while. */
  "video.peer-away": VideoPeerRef;
  /** Somebody's place is free. */
  "video.peer-left": VideoDeparture;
  /** From the browser of another. */
  "video.signal": VideoSignalled;
  /** The room is closed to me. */
  "video.closed": VideoClosed;
}
