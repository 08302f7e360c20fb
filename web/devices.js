// My camera and microphone, and ears for everybody's.
import { field } from './dom.js';
import { t } from './words.js';

const LISTEN_MS = 150;

export class Devices {
  tracks = { audio: null, video: null };
  wanted = { audio: true, video: true };
  ids = { audio: undefined, video: undefined };
  wish(kind) {
    const id = this.ids[kind], more = kind === 'audio' ? { echoCancellation: true, noiseSuppression: true } : { width: { ideal: 1280 }, height: { ideal: 720 } };
    return { [kind]: { ...more, ...(id ? { deviceId: { exact: id } } : {}) } };
  }
  take(stream) {
    for (const track of stream.getTracks()) {
      this.tracks[track.kind] = track;
      track.onended = () => { this.drop(track.kind); this.wanted[track.kind] = false; this.changed?.(track.kind); };
    }
  }
  async get(kind) {
    this.drop(kind);
    if (!this.wanted[kind] || !navigator.mediaDevices) return null;
    try { this.take(await navigator.mediaDevices.getUserMedia(this.wish(kind))); } catch (e) {
      this.wanted[kind] = false;
      this.trouble?.(kind, e);
    }
    return this.tracks[kind];
  }
  // What is wanted and not there yet: asked for together, so that the browser asks its user once.
  async getAll() {
    const kinds = ['audio', 'video'].filter(kind => this.wanted[kind] && !this.tracks[kind]);
    try {
      if (kinds.length > 1) this.take(await navigator.mediaDevices.getUserMedia({ ...this.wish('audio'), ...this.wish('video') }));
    } catch { /* then each by itself */ }
    for (const kind of kinds) if (!this.tracks[kind]) await this.get(kind);
  }
  drop(kind) {
    const track = this.tracks[kind];
    this.tracks[kind] = null;
    if (track) { track.onended = null; track.stop(); }
  }
  stop() { this.drop('audio'); this.drop('video'); }
  // A select of the devices of a kind; choosing one takes it.
  async choice(kind, label, chosen) {
    const all = (await navigator.mediaDevices?.enumerateDevices().catch(() => []) ?? []).filter(d => d.kind === `${kind}input`);
    const f = field(kind, label, { tag: 'select', options: all.length ? all.map((d, i) => [d.deviceId, d.label || `${label} ${i + 1}`]) : [['', t('noDevice')]], disabled: !all.length, onchange: e => { this.ids[kind] = e.target.value; chosen(); } });
    const now = this.tracks[kind]?.getSettings().deviceId;
    if (now) f.querySelector('select').value = now;
    return f;
  }
}

// How loud somebody is, a few times a second.
export class Ears {
  heard = new Map();
  add(key, stream, onLevel) {
    this.remove(key);
    if (!stream.getAudioTracks().length) return;
    this.context ??= new AudioContext();
    this.context.resume().catch(() => {});
    const analyser = this.context.createAnalyser(), source = this.context.createMediaStreamSource(new MediaStream(stream.getAudioTracks()));
    analyser.fftSize = 512;
    source.connect(analyser);
    this.heard.set(key, { source, analyser, onLevel, track: stream.getAudioTracks()[0], bytes: new Float32Array(512) });
    this.timer ??= setInterval(() => this.listen(), LISTEN_MS);
  }
  listen() {
    for (const { analyser, bytes, onLevel } of this.heard.values()) {
      analyser.getFloatTimeDomainData(bytes);
      onLevel(Math.sqrt(bytes.reduce((sum, x) => sum + x * x, 0) / bytes.length));
    }
  }
  hears(key, track) { return this.heard.get(key)?.track === track; }
  remove(key) { this.heard.get(key)?.source.disconnect(); this.heard.delete(key); }
  stop() { clearInterval(this.timer); this.heard.clear(); this.context?.close().catch(() => {}); }
}
