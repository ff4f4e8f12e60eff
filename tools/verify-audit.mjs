#!/usr/bin/env node
// Checks an audit log of Rollcall without any code of Rollcall's: only Node (24 or later) and the format of docs/audit-format.md.
//   node verify-audit.mjs rollcall.db checkpoints.jsonl public-key.pem [earlier-public-key.pem …] [--segments FOLDER]
// Exit code 0: every entry is as it was written. 1: something is not; each place is named. 2: it could not be read.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const args = process.argv.slice(2);
const [, segmentsDir] = args.includes('--segments') ? args.splice(args.indexOf('--segments'), 2) : [];
const [database, checkpoints, ...publicKeys] = args;
if (database === undefined) {
  console.error('usage: node verify-audit.mjs DATABASE [CHECKPOINTS [PUBLIC-KEY…]] [--segments FOLDER]');
  process.exit(2);
}
const sha256 = (text) => createHash('sha256').update(text).digest('hex');
let faults = 0;
const fault = (where, what) => {
  faults += 1;
  console.log(`BROKEN ${where}: ${what}`);
};
/** Members sorted by code point, no white space: what hashes and signatures are taken over. */
const canonical = (value) => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
};

// ── what the checkpoints say: number of an entry → its hash ──
const said = new Map();
const keys = new Map();
for (const file of publicKeys) {
  const key = createPublicKey(readFileSync(file));
  keys.set(sha256(key.export({ type: 'spki', format: 'der' })).slice(0, 16), key);
}
if (checkpoints !== undefined) {
  let previous = '';
  let furthest = 0;
  const lines = readFileSync(checkpoints, 'utf8').split('\n');
  if (lines.at(-1) === '') lines.pop();
  lines.forEach((line, index) => {
    const where = `checkpoint ${index + 1}`;
    let read = null;
    try {
      read = JSON.parse(line);
    } catch {
      // Said below.
    }
    const point = read?.point;
    if (point?.v !== 1) fault(where, 'it is no checkpoint');
    else {
      if (point.previous !== previous) fault(where, 'it does not follow the line before it');
      if (point.seq < furthest) fault(where, 'it says less than the line before it');
      furthest = Math.max(furthest, point.seq);
      const text = Buffer.from(canonical(point));
      const key = keys.get(point.key);
      const signed = key !== undefined && verify(null, text, key, Buffer.from(read.sig, 'base64'));
      if (keys.size > 0 && !signed) fault(where, 'its signature is not by any of these keys');
      if (point.seq > 0) said.set(point.seq, point.hash);
    }
    previous = sha256(line);
  });
  console.log(
    `${lines.length} checkpoint(s) read, signatures ${keys.size === 0 ? 'NOT checked' : `of ${[...keys.keys()].join(', ')} checked`}`,
  );
}

const sql = new DatabaseSync(database, { readOnly: true });
const head = sql.prepare('SELECT seq, hash FROM audit_head').get();
let at = 0;
let last = '0'.repeat(64);

// ── sealed parts: where they were, the chain goes on behind them ──
const untold = new Map();
const hasSegments = sql.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'segments'").get() !== undefined;
for (const row of hasSegments ? sql.prepare('SELECT * FROM segments ORDER BY first_seq').all() : []) {
  const where = `segment ${row.first_seq} to ${row.last_seq}`;
  const manifest = JSON.parse(row.manifest);
  if (row.first_seq !== at + 1 || row.first_prev !== last) fault(where, 'it does not follow the one before it');
  if (manifest.first !== row.first_seq || manifest.last !== row.last_seq || manifest.lastHash !== row.last_hash)
    fault(where, 'it is not the one that was signed');
  const text = Buffer.from(canonical(manifest));
  const key = keys.get(manifest.key);
  const signed = key !== undefined && verify(null, text, key, Buffer.from(row.sig, 'base64'));
  if (keys.size > 0 && !signed) fault(where, 'its signature is not by these keys');
  if (said.has(row.last_seq) && said.get(row.last_seq) !== row.last_hash) fault(where, 'a checkpoint says otherwise');
  untold.set(row.entry_seq, { where, ...manifest });
  const name = [row.first_seq, row.last_seq].map((seq) => String(seq).padStart(12, '0')).join('-');
  const file = segmentsDir === undefined ? '' : join(segmentsDir, `audit-${name}.jsonl`);
  if (file === '' || !existsSync(file)) console.log(`${where}: NOT READ, its file is not there`);
  else {
    const content = readFileSync(file, 'utf8');
    if (sha256(content) !== manifest.sha256) fault(where, 'its file is not the one that was signed');
    for (const line of content.split('\n').slice(0, -1)) {
      const entry = JSON.parse(line);
      if (entry.seq !== at + 1 || entry.prev !== last)
        fault(`entry ${entry.seq}`, 'it does not follow the entry before it');
      if (entry.hash !== sha256(entry.prev + entry.body))
        fault(`entry ${entry.seq}`, 'its text is not the one that was hashed');
      if (said.has(entry.seq) && said.get(entry.seq) !== entry.hash)
        fault(`entry ${entry.seq}`, 'a checkpoint says otherwise');
      at = entry.seq;
      last = entry.hash;
    }
    if (at !== row.last_seq || last !== row.last_hash) fault(where, 'its file does not end where the log goes on');
  }
  at = row.last_seq;
  last = row.last_hash;
}
const sealed = at;
for (const seq of untold.keys()) if (seq <= sealed) untold.delete(seq);

// ── the chain ──
const entries = sql.prepare(
  `SELECT e.seq, e.prev_hash, e.hash, e.body, p.salt, p.body AS personal
   FROM entries e LEFT JOIN personal p ON p.seq = e.seq ORDER BY e.seq`,
);
let erased = 0;
for (const entry of entries.iterate()) {
  const where = `entry ${entry.seq}`;
  if (entry.seq !== at + 1) fault(`entry ${at + 1}`, `it and what follows before entry ${entry.seq} is gone`);
  else if (entry.prev_hash !== last) fault(where, 'it does not follow the entry before it');
  if (entry.hash !== sha256(entry.prev_hash + entry.body)) fault(where, 'its text is not the one that was hashed');
  else {
    const { personal } = JSON.parse(entry.body);
    if (personal === undefined && entry.personal !== null) fault(where, 'personal values were added to it');
    if (personal !== undefined && entry.personal === null) erased += 1;
    if (personal !== undefined && entry.personal !== null && personal !== sha256(entry.salt + entry.personal))
      fault(where, 'its personal values are not the ones that were hashed');
  }
  if (said.has(entry.seq) && said.get(entry.seq) !== entry.hash) fault(where, 'a checkpoint says otherwise');
  const one = untold.get(entry.seq);
  const told = one && JSON.parse(entry.body).body;
  if (told?.act === 'seal' && told.sha256 === one.sha256 && told.lastHash === one.lastHash) untold.delete(entry.seq);
  at = entry.seq;
  last = entry.hash;
}
for (const { where } of untold.values()) fault(where, 'no entry says that it was sealed');
if (head === undefined || head.seq !== at || head.hash !== last)
  fault('the end', 'the chain does not end where it did');
const furthest = Math.max(0, ...said.keys());
if (furthest > at) fault(`entry ${at + 1}`, `it and what follows up to entry ${furthest} is gone, a checkpoint says`);
if (sealed > 0) console.log(`entries 1 to ${sealed} are sealed`);
console.log(`${at - sealed} entries read, personal values of ${erased} erased, ${faults} fault(s)`);
process.exit(faults === 0 ? 0 : 1);
