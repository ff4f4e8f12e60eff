// What will happen to a worker when, in sentences.
import type { LifecycleEvent } from '../lifecycle/event.ts';
import type { Foreseen } from '../lifecycle/forecast.ts';
import type { LifecyclePolicy } from '../lifecycle/policy.ts';
import type { AttributeValue } from '../worker/worker.ts';

/** One sentence for a moment to come. */
export function comingSentence(moment: Foreseen, policy: LifecyclePolicy): string {
  const sentences = moment.events.map((event) => eventSentence(event, moment, policy));
  const changes = moment.primary === null ? '' : changesOf(moment.primary.before, moment.primary.after);
  if (changes !== '') sentences.push(`another row of HR’s counts: ${changes}`);
  return sentences.join('; ');
}

function eventSentence(event: LifecycleEvent, { from }: Foreseen, policy: LifecyclePolicy): string {
  const ahead = `${policy.preboardDays} days before the start`;
  switch (event.type) {
    case 'preboardingOpened':
      return `the account is made, inactive: ${ahead}`;
    case 'rehireAnnounced':
      return `the account is prepared for the rehire: ${ahead}`;
    case 'employmentStarted': {
      const day = event.employmentStart === null ? 'work begins' : `first day ${event.employmentStart}`;
      return from === 'left' || from === 'purged' ? `rehire, ${day}: access begins` : `${day}: access begins`;
    }
    case 'terminationRescinded':
      return 'the employment that had ended runs again: access begins';
    case 'leaveOfAbsenceBegan':
      return event.suspends ? 'the leave of absence begins: access pauses' : 'the leave of absence begins';
    case 'leaveOfAbsenceEnded':
      return 'the leave of absence is over';
    case 'endDateSeen':
      return event.endDate === null
        ? 'the last day is out of sight of the guards again'
        : `the last day ${event.endDate} comes in sight of the guards`;
    case 'employmentEnded': {
      const which = event.endDate === null ? 'the employment has ended' : `the last day ${event.endDate} is over`;
      return `${which}: access ends${event.kind === 'inferred' ? ', counted as inferred' : ''}`;
    }
    case 'hireWithdrawn':
      return 'the start is not true any more: access ends, counted as inferred';
    case 'retentionExpired':
      return `retention of ${policy.deleteAfterDays ?? 0} days is over: the account is deleted`;
    default:
      return event.type;
  }
}

interface Says {
  readonly managerId: string;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

function changesOf(before: Says, after: Says): string {
  const shown = (value: AttributeValue | undefined): string =>
    value === undefined || value === '' ? '–' : Array.isArray(value) ? value.join(', ') : String(value);
  const names = [...new Set([...Object.keys(before.attributes), ...Object.keys(after.attributes)])].sort();
  const changes = names
    .filter((name) => JSON.stringify(before.attributes[name]) !== JSON.stringify(after.attributes[name]))
    .map((name) => `${name} ${shown(before.attributes[name])} → ${shown(after.attributes[name])}`);
  if (before.managerId !== after.managerId) {
    changes.push(`manager ${shown(before.managerId)} → ${shown(after.managerId)}`);
  }
  return changes.join(', ');
}
