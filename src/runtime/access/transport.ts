// How connections to one target and its token endpoint are made: whom we trust, our own certificate, the proxy. Files behind these
// are read again when they change; connections made from then on use what they hold now. Nothing switches verification off.
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { buildConnector } from 'undici';
import { isProxy } from '../../mapping/auth-rules.ts';
import type { SecretReader } from '../secrets.ts';
import { basicHeader, whyMissing } from './credentials.ts';
import { type Fault, fault } from './faults.ts';
import { tunnelled, type WayOut } from './tunnel.ts';

export interface TransportSettings {
  /** PEM certificates that are trusted beside the usual ones. */
  readonly ca?: SecretReader;
  /** Our certificate chain and its key, as PEM. */
  readonly certificate?: {
    readonly chain: SecretReader;
    readonly key: SecretReader;
    readonly passphrase?: SecretReader;
  };
  /** `http(s)://[user:password@]host:port`. */
  readonly proxy?: SecretReader;
}

/** One way of making connections. The same object as long as nothing changed. */
export interface Wire {
  readonly connect: buildConnector.connector;
}

export interface Transport {
  /** The way as it is now; a fault where it cannot be used and never could. What is half written changes nothing. */
  readonly now: () => Wire | Fault;
  /** Something failed on the way: files are read again at the next use, even where they look unchanged. */
  readonly doubt: () => void;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** Older versions are refused whatever the environment allows. */
const TLS_MIN = 'TLSv1.2' as const;

/** The texts that a wire is made of; '' where there is none. */
interface Material {
  readonly ca: string;
  readonly chain: string;
  readonly key: string;
  readonly passphrase: string;
  readonly proxy: string;
}

export function openTransport(settings: TransportSettings = {}): Transport {
  let known: { readonly from: Material; readonly wire: Wire | null } | null = null;
  /** The last one that could be made. */
  let good: Wire | null = null;
  let doubtful = false;

  function now(): Wire | Fault {
    if (good !== null && nothingToRead(settings)) return good;
    let material: Material;
    try {
      material = read(settings, doubtful);
      doubtful = false;
    } catch (error) {
      return good ?? fault('no-certificate', whyMissing(error));
    }
    if (known === null || !same(known.from, material)) {
      known = { from: material, wire: wireOf(material) };
      good = known.wire ?? good;
    }
    return good ?? fault('no-certificate', 'certificate, key, ca or proxy is not what it should be');
  }

  return {
    now,
    doubt: () => {
      doubtful = true;
    },
  };
}

const nothingToRead = ({ ca, certificate, proxy }: TransportSettings): boolean =>
  ca === undefined && certificate === undefined && proxy === undefined;

function read({ ca, certificate, proxy }: TransportSettings, fresh: boolean): Material {
  return {
    ca: ca?.(fresh) ?? '',
    chain: certificate?.chain(fresh) ?? '',
    key: certificate?.key(fresh) ?? '',
    passphrase: certificate?.passphrase?.(fresh) ?? '',
    proxy: proxy?.(fresh) ?? '',
  };
}

const same = (a: Material, b: Material): boolean =>
  a.ca === b.ca && a.chain === b.chain && a.key === b.key && a.passphrase === b.passphrase && a.proxy === b.proxy;

/** Null where the texts make none: a certificate whose key is still the old one, half a file, an address that is none. */
function wireOf(material: Material): Wire | null {
  try {
    const direct = buildConnector({
      timeout: CONNECT_TIMEOUT_MS,
      allowH2: false,
      // Said explicitly, so that no environment variable can switch it off.
      rejectUnauthorized: true,
      secureContext: context(material),
    });
    if (material.proxy === '') return { connect: direct };
    // A proxy is judged by whom we trust, and never shown our certificate.
    return { connect: through(proxyOf(material.proxy), context({ ca: material.ca }), direct) };
  } catch {
    return null;
  }
}

function context({ ca, chain, key, passphrase }: Pick<Material, 'ca'> & Partial<Material>): SecureContext {
  return createSecureContext({
    minVersion: TLS_MIN,
    // Without `ca` Node trusts the usual ones by itself, and more cheaply.
    ...(ca === '' ? {} : { ca: [...getCACertificates('default'), ...certificatesIn(ca)] }),
    ...(chain === undefined || chain === '' ? {} : { cert: chain, key }),
    ...(passphrase === undefined || passphrase === '' ? {} : { passphrase }),
  });
}

/** Each is read alone, so that a text without any is noticed: OpenSSL takes it for an empty list. @throws where there is none. */
function certificatesIn(pem: string): readonly string[] {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g);
  if (found === null) throw new Error('no certificate');
  return found;
}

/** @throws where the text is no address of a proxy. */
function proxyOf(text: string): WayOut {
  const url = new URL(text);
  if (!isProxy(url)) throw new Error('no proxy');
  const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  const authorization = user === '' && password === '' ? null : basicHeader(user, password);
  if (authorization === null && user !== '') throw new Error('no credentials for a proxy');
  return { url, authorization };
}

function through(proxy: WayOut, trust: SecureContext, direct: buildConnector.connector): buildConnector.connector {
  return (options, callback) => {
    tunnelled(proxy, authority(options), trust, CONNECT_TIMEOUT_MS).then(
      (socket) => {
        if (options.protocol === 'https:') direct({ ...options, httpSocket: socket }, callback);
        else callback(null, socket);
      },
      (error: Error) => callback(error, null),
    );
  };
}

function authority({ hostname, port, protocol }: buildConnector.Options): string {
  const host = hostname.includes(':') ? `[${hostname}]` : hostname;
  return `${host}:${port === '' ? (protocol === 'https:' ? 443 : 80) : port}`;
}
