import { describe, expect, test } from 'vitest';
import { castOf } from '../../../src/mapping/proposal/candidates.ts';
import { nameFits } from '../../../src/mapping/proposal/column-words.ts';
import { sampleColumns } from '../../../src/mapping/proposal/sample-columns.ts';
import { meaningOf, truthOf } from '../../../src/mapping/proposal/status-words.ts';

describe('a word above a column', () => {
  test.each([
    ['Employee #', 'id'],
    ['PERSONALNUMMER', 'id'],
    ['Matricule', 'id'],
    ['N° empleado', 'id'],
    ['worker_status', 'status'],
    ['Statut', 'status'],
    ['Hire Date', 'startDate'],
    ['Eintritts-Datum', 'startDate'],
    ["Date d'embauche", 'startDate'],
    ['Fecha de ingreso', 'startDate'],
    ['Termination Date', 'endDate'],
    ['Austrittsdatum', 'endDate'],
    ['Date de sortie', 'endDate'],
    ['Fecha de baja', 'endDate'],
    ['Last Day of Work', 'lastDay'],
    ['letzter Arbeitstag', 'lastDay'],
    ['Vorname', 'givenName'],
    ['Prénom', 'givenName'],
    ['Legal_First_Name', 'givenName'],
    ['Apellidos', 'familyName'],
    ['Manager Employee ID', 'managerId'],
    ['Kostenstelle', 'costCenter'],
    ['Centre de coût', 'costCenter'],
    ['Zeitzone', 'timeZone'],
  ])('%s is found to be %s', (name, role) => {
    const [best] = nameFits([name]);
    expect(best).toMatchObject({ role, strength: 3 });
  });

  test('may stand inside a longer name, and says less there', () => {
    expect(nameFits(['HRIS Legal First Name'])[0]).toMatchObject({ role: 'givenName', strength: 2 });
    expect(nameFits(['Wind speed'])).toEqual([]);
  });

  test.each(['Manager First Name', 'Emergency Contact Last Name', 'Supervisor Department', 'Spouse First Name'])(
    '%s belongs to somebody else',
    (name) => {
      expect(nameFits([name]).filter(({ role }) => ['givenName', 'familyName', 'department'].includes(role))).toEqual(
        [],
      );
    },
  );

  test.each([
    [['attributes', 'hire_date', 'value'], 'startDate'],
    [['attributes', 'supervisor', 'value', 'attributes', 'id', 'value'], 'managerId'],
    [['workerStatus', 'statusCode', 'codeValue'], 'status'],
    [['person', 'legalName', 'givenName'], 'givenName'],
    [['work', 'department'], 'department'],
  ])('%j is found by the steps that say something: %s', (path, role) => {
    expect(nameFits(path)[0]?.role).toBe(role);
  });

  test('is not believed where the values speak against it', () => {
    const { columns } = sampleColumns(
      ['Marital Status', 'Status', 'Start Date', 'Time Zone', 'Email'],
      [
        {
          'Marital Status': 'Married',
          Status: 'Active',
          'Start Date': 'soon',
          'Time Zone': 'Berlin',
          Email: 'by post',
        },
      ],
    );
    const cast = castOf(columns);
    expect(cast.get('status')?.map(({ column }) => column.path[0])).toEqual(['Status']);
    for (const role of ['startDate', 'timeZone', 'mail'] as const) expect(cast.get(role)).toBeUndefined();
  });
});

describe('a word of a status', () => {
  test.each([
    ['Active', 'active'],
    ['aktiv', 'active'],
    ['Actif', 'active'],
    ['Alta', 'active'],
    ['A', 'active'],
    ['Full-time', 'active'],
    ['On Leave', 'leave'],
    ['Elternzeit', 'leave'],
    ['Congé parental', 'leave'],
    ['Baja médica', 'leave'],
    ['Excedencia', 'leave'],
    ['Terminated', 'terminated'],
    ['7 - Separated', 'terminated'],
    ['ausgeschieden', 'terminated'],
    ['Licencié', 'terminated'],
    ['Baja', 'terminated'],
    ['No longer employed', 'terminated'],
    ['Pre-hire', 'expected'],
    ['Future', 'expected'],
    ['zukünftig', 'expected'],
    ['À venir', 'expected'],
    ['Pendiente', 'expected'],
  ])('%s means %s, plainly', (word, status) => {
    expect(meaningOf(word)).toEqual({ status, doubt: '' });
  });

  test.each([
    'Inactive',
    'inaktiv',
    'nicht aktiv',
    'not active',
    'Inactif',
    'I',
    'L',
    'gekündigt',
    'Suspended',
    'Garden leave',
  ])('%s is marked as doubtful', (word) => {
    expect(meaningOf(word)?.doubt).not.toBe('');
  });

  test.each(['Bench', 'P', 'X7', '', 'Married', 'Unactivated'])('%j gets no meaning', (word) => {
    expect(meaningOf(word)).toBeNull();
  });

  test('nothing that says no is taken for active', () => {
    for (const word of [
      'inactive',
      'Not Active',
      'nicht aktiv',
      'non actif',
      'no activo',
      'inaktive',
      'No longer active',
      'unemployed',
    ])
      expect(meaningOf(word)?.status ?? 'none').not.toBe('active');
  });

  test('yes and no are known in four languages', () => {
    for (const word of ['Y', 'true', '1', 'Ja', 'Oui', 'Sí', 'x']) expect(truthOf(word)).toBe(true);
    for (const word of ['N', 'False', '0', 'nein', 'Non', 'no']) expect(truthOf(word)).toBe(false);
    expect(truthOf('maybe')).toBeNull();
  });
});
