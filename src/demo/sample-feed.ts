// The bundled company of the demo: fictional, and believable on whatever day it runs because every date is relative to today.
import { type CalendarDate, plusDays } from '../base/calendar-date.ts';

export const SAMPLE_COLUMNS = [
  'Employee_ID',
  'First_Name',
  'Last_Name',
  'Preferred_Name',
  'Latin_First',
  'Latin_Last',
  'Worker_Type',
  'Status',
  'Hire_Date',
  'Last_Day',
  'Manager_ID',
  'Department',
  'Job_Title',
  'Site',
] as const;

/**
 * One line per worker, cells in the order of SAMPLE_COLUMNS. A date cell is a number of days from today: `+4` is that very day,
 * `~-900` the first of its month (people tend to be hired then), `30 Feb` a day that no calendar has.
 */
const PEOPLE = `
00101 | Ingrid | Sørensen | | | | Employee | A | ~-4380 | | | Management | Managing Director | Berlin
00102 | Marek | Dvořák | | | | Employee | A | ~-3900 | | 00101 | Engineering | Head of Engineering | Berlin
00103 | Beatriz | Conceição | Bia | | | Employee | A | ~-3650 | | 00101 | Finance | Head of Finance | Lisbon
00104 | Oliver | Grant | | | | Employee | A | ~-3100 | | 00101 | Sales | Head of Sales, EMEA and Americas | Toronto
00105 | Friederike | Groß | | | | Employee | A | ~-2950 | | 00101 | People | Head of People | Berlin
00106 | 健一 | 中村 | | Kenichi | Nakamura | Employee | A | ~-2800 | | 00101 | Production | Plant Manager | Osaka
00107 | Samuel | Adeyemi | Sam | | | Employee | A | ~-2500 | | 00102 | IT | IT Manager | Berlin
00108 | Chloé | Lefèvre | | | | Employee | A | ~-2300 | | 00104 | Support | Support Lead | Lisbon
00109 | Jürgen | Weiß | | | | Employee | A | ~-4100 | | 00102 | Engineering | Principal Optical Engineer | Berlin
00110 | Agnieszka | Wójcik | Aga | | | Employee | A | ~-2200 | | 00102 | Engineering | Firmware Engineer | Berlin
00111 | Diego | Núñez | | | | Employee | A | ~-1900 | | 00102 | Engineering | Firmware Engineer | Lisbon
00112 | Юлия | Ковальчук | | | | Employee | A | ~-1700 | | 00102 | Engineering | Test Engineer | Berlin
00113 | Thomas | Brandt | | | | Employee | A | ~-1500 | | 00109 | Engineering | Optical Engineer | Berlin
00114 | Ayşe | Yılmaz | | | | Employee | A | ~-1350 | | 00109 | Engineering | Optical Engineer | Berlin
00115 | Søren | Kjær | | | | Employee | L | ~-1250 | | 00109 | Engineering | Mechanical Engineer | Berlin
00116 | Priya | Raghunathan | | | | Employee | A | ~-800 | | 00102 | Engineering | Software Engineer | Berlin
00117 | Léa | Moreau | | | | Intern | A | ~-90 | +95 | 00116 | Engineering | Software Intern | Berlin
00118 | Anna | Schmidt | | | | Employee | A | ~-2050 | | 00103 | Finance | Controller | Berlin
00119 | João | Araújo | | | | Employee | A | ~-1600 | | 00103 | Finance | Accountant | Lisbon
00120 | Inês | Gonçalves | | | | Employee | A | ~-1100 | | 00103 | Finance | Payroll Specialist | Lisbon
00121 | Willem | van der Berg | | | | Employee | A | ~-700 | | 00103 | Finance | Purchasing Specialist | Berlin
00122 | Margaret | O'Neill | Maggie | | | Employee | A | ~-1400 | | 00104 | Sales | Account Executive | Toronto
00123 | Étienne | Tremblay | | | | Employee | A | ~-1200 | | 00104 | Sales | Account Executive | Toronto
00124 | Karolína | Nováková | | | | Employee | A | ~-950 | | 00104 | Sales | Account Executive | Berlin
00125 | Ben | Fitzgerald | | | | Employee | A | ~-650 | | 00104 | Sales | Sales Engineer | Toronto
00126 | Αλέξανδρος | Παπαδόπουλος | Alexandros | Alexandros | Papadopoulos | Employee | A | ~-600 | | 00104 | Sales | Partner Manager | Berlin
00127 | Rosalind | Achterberg | | | | Employee | A | ~-1300 | | 00105 | People | People Partner | Berlin
00128 | Nuno | Figueira | | | | Employee | A | ~-500 | | 00105 | People | Recruiter | Lisbon
00129 | Hannah | Vogel | | | | Employee | L | ~-1000 | | 00105 | People | Learning Specialist | Berlin
00130 | 美咲 | 田中 | | Misaki | Tanaka | Employee | A | ~-2100 | | 00106 | Production | Quality Lead | Osaka
00131 | 翔太 | 小林 | | Shota | Kobayashi | Employee | A | ~-1750 | | 00106 | Production | Assembly Technician | Osaka
00132 | さくら | 山本 | | | | Employee | A | ~-1450 | | 00106 | Production | Assembly Technician | Osaka
00133 | 민준 | 김 | | Minjun | Kim | Employee | A | ~-1150 | | 00106 | Production | Calibration Technician | Osaka
00134 | Haruto | Ishikawa | | | | Employee | A | ~-850 | | 00130 | Production | Quality Inspector | Osaka
00135 | Uwe | Krämer | | | | Employee | A | ~-3300 | | 00106 | Production | Shift Lead | Berlin
00136 | Zoltán | Szabó | | | | Employee | A | ~-1850 | | 00135 | Production | Assembly Technician | Berlin
00137 | Nguyễn | Thị Hương | | | | Employee | A | ~-900 | | 00135 | Production | Assembly Technician | Berlin
00138 | Ivan | Petrović | | | | Employee | A | ~-750 | | 00135 | Production | Logistics Specialist | Berlin
00139 | Bärbel | Müller-Lüdenscheidt | | | | Employee | A | ~-2600 | +31 | 00135 | Production | Warehouse Specialist | Berlin
00140 | Mohammed | El-Sayed | | | | Contractor | A | ~-300 | +0 | 00135 | Production | Fitter | Berlin
00141 | Grace | Okonkwo | | | | Employee | A | ~-1050 | | 00107 | IT | Systems Administrator | Berlin
00142 | Łukasz | Żółć | | | | Employee | A | ~-550 | | 00107 | IT | Security Engineer | Berlin
00143 | Fatima | al-Khatib | | | | Contractor | A | ~-200 | +160 | 00107 | IT | Network Contractor | Lisbon
00144 | Siobhán | Ní Bhriain | | | | Employee | A | ~-1550 | | 00108 | Support | Support Engineer | Lisbon
00145 | Matteo | D'Angelo | | | | Employee | A | ~-980 | | 00108 | Support | Support Engineer | Lisbon
00146 | Olga | Lindqvist | | | | Employee | T | ~-620 | +12 | 00108 | Support | Support Engineer | Berlin
00147 | Anna | Schmidt | | | | Employee | A | ~-400 | | 00135 | Production | Assembly Technician | Berlin
00148 | Peter | Hansen | | | | Employee | T | ~-2700 | -1 | 00104 | Sales | Account Executive | Berlin
00149 | Gudrun | Þórsdóttir | | | | Employee | T | ~-1950 | -45 | 00102 | Engineering | Mechanical Engineer | Berlin
00150 | Rui | Tavares | | | | Employee | T | ~-1650 | -400 | 00103 | Finance | Accountant | Lisbon
00151 | Noah | Bergmann | | | | Intern | T | ~-420 | -240 | 00141 | IT | IT Intern | Berlin
00152 | Elif | Demir | | | | Employee | A | +0 | | 00108 | Support | Support Engineer | Berlin
00153 | Renée | Dubois | | | | Employee | P | +4 | | 00104 | Sales | Sales Operations Analyst | Toronto
00154 | Viktor | Åkesson | | | | Employee | P | +40 | | 00102 | Engineering | Head of Software | Berlin
00155 | Sanjay | Mehta | | | | Employee | A | ~-450 | | 00154 | Engineering | Software Engineer | Berlin
00156 | Clara | Hoffmann | | | | Employee | A | ~-350 | | 00154 | Engineering | Software Engineer | Berlin
00157 | Emeka | Nwosu | | | | Employee | A | ~-250 | | 00154 | Engineering | Software Engineer | Lisbon
00158 | Tuğba | Özdemir | | | | Employee | A | ~-150 | | 00105 | People | HR Operations Specialist | Berlin
00159 | Lars | Pettersson | | | | Employee | A | -9 | | 00107 | IT | Help Desk Technician | Berlin
00160 | Maja | Kowalczyk | | | | Employee | A | 30 Feb | | 00108 | Support | Support Engineer | Berlin
`;

const DATE_COLUMNS: readonly string[] = ['Hire_Date', 'Last_Day'] satisfies readonly (typeof SAMPLE_COLUMNS)[number][];

/**
 * The sample company as a CSV snapshot (comma, double quotes, line feeds, UTF-8 text) as HR would export it on this day:
 * hires ahead inside and beyond the preboarding week, leavers ahead and behind, two on leave, two namesakes, a manager who
 * is hired later than the team, and one row whose hire date does not exist. Pure.
 */
export function sampleFeed(today: CalendarDate): string {
  const rows = PEOPLE.trim()
    .split('\n')
    .map((line) =>
      line.split('|').map((cell, index) => csvCell(cellOn(today, SAMPLE_COLUMNS[index] ?? '', cell.trim()))),
    );
  return [SAMPLE_COLUMNS, ...rows].map((cells) => `${cells.join(',')}\n`).join('');
}

function cellOn(today: CalendarDate, column: string, cell: string): string {
  if (!DATE_COLUMNS.includes(column) || cell === '') return cell;
  if (cell === '30 Feb') return `${plusDays(today, -365).slice(0, 4)}-02-30`;
  const monthly = cell.startsWith('~');
  const day = plusDays(today, Number(monthly ? cell.slice(1) : cell));
  return monthly ? `${day.slice(0, 8)}01` : day;
}

const csvCell = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
