// As much of Okta's Users API as leavers and comparisons need [O2]; paging, search and statuses as generally known (GK).
import type { CoreUser, OktaState, Said } from './fake-okta-state.ts';

const PAGE_MAX = 200;
const missing: Said = {
  status: 404,
  body: { errorCode: 'E0000007', errorSummary: 'Not found: Resource not found (User)' },
};

export function oktaCore(state: OktaState): (method: string, path: string, query: URLSearchParams) => Said {
  const shown = (user: CoreUser) => {
    const late = user.settlesMs > state.settings.nowMs();
    const { id, profile } = user;
    return {
      id,
      status: late ? user.shownStatus : user.status,
      // A deactivation is under way while this stands there [O2].
      ...(late && user.status !== user.shownStatus ? { transitioningToStatus: user.status } : {}),
      profile,
    };
  };
  const find = (idOrLogin: string): CoreUser | undefined =>
    state.core.get(idOrLogin) ??
    [...state.core.values()].find(({ profile }) => profile.login?.toLowerCase() === idOrLogin.toLowerCase());

  function listed(query: URLSearchParams): Said {
    const search = /^profile\.(\w+) eq "((?:[^"\\]|\\.)*)"$/.exec(query.get('search') ?? '');
    if (query.has('search') && search === null)
      return { status: 400, body: { errorSummary: 'Invalid search criteria' } };
    const filter = /^status eq "(\w+)"$/.exec(query.get('filter') ?? '');
    const limit = Math.min(PAGE_MAX, Number(query.get('limit') ?? PAGE_MAX));
    const all = [...state.core.values()].filter((user) => {
      const { status } = shown(user);
      if (search !== null) return user.profile[search[1] as string] === JSON.parse(`"${search[2]}"`);
      // Without a filter those who are deactivated are left out (GK).
      return filter === null ? status !== 'DEPROVISIONED' : status === filter[1];
    });
    const after = query.get('after');
    const from = after === null ? 0 : all.findIndex(({ id }) => id === after) + 1;
    const page = all.slice(from, from + limit);
    const last = page.at(-1);
    if (last === undefined || from + page.length >= all.length) return { status: 200, body: page.map(shown) };
    const next = new URLSearchParams(query);
    next.set('after', last.id);
    return {
      status: 200,
      body: page.map(shown),
      headers: {
        link: `<https://example.okta.com/api/v1/users?${query}>; rel="self", <https://example.okta.com/api/v1/users?${next}>; rel="next"`,
      },
    };
  }

  return (method, path, query) => {
    const [, , , room = '', who = '', part = '', verb = ''] = path.split('/').map(decodeURIComponent);
    if (room !== 'users') return { status: 404, body: {} };
    if (who === '') return method === 'GET' ? listed(query) : { status: 405, body: {} };
    const user = find(who);
    if (user === undefined) return missing;
    if (part === 'sessions') {
      if (method !== 'DELETE') return { status: 405, body: {} };
      user.revoked += 1;
      return { status: 204 };
    }
    if (part === 'lifecycle') return method === 'POST' ? lifecycle(user, verb) : { status: 405, body: {} };
    if (method === 'GET') return { status: 200, body: shown(user) };
    if (method !== 'DELETE') return { status: 405, body: {} };
    // The first call deactivates, the second deletes (GK).
    if (user.status === 'DEPROVISIONED') state.core.delete(user.id);
    else state.setStatus(user, 'DEPROVISIONED');
    return { status: 204 };
  };

  function lifecycle(user: CoreUser, verb: string): Said {
    const wrong = (): Said => ({
      status: 403,
      body: { errorCode: 'E0000038', errorSummary: `not from ${user.status}` },
    });
    switch (verb) {
      case 'deactivate':
        if (user.status === 'DEPROVISIONED') return wrong();
        state.setStatus(user, 'DEPROVISIONED');
        return { status: 200, body: {} };
      case 'suspend':
        // Only from ACTIVE [O2].
        if (user.status !== 'ACTIVE') return wrong();
        state.setStatus(user, 'SUSPENDED');
        return { status: 200, body: {} };
      case 'unsuspend':
        if (user.status !== 'SUSPENDED') return wrong();
        state.setStatus(user, 'ACTIVE');
        return { status: 200, body: {} };
      case 'activate':
        if (user.status !== 'DEPROVISIONED' && user.status !== 'STAGED') return wrong();
        state.setStatus(user, 'ACTIVE');
        return { status: 200, body: {} };
      default:
        return missing;
    }
  }
}
