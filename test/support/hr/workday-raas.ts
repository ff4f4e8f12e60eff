// A Workday report as reference section 4 describes it. The aliases are those of its example; the report does not say how many rows
// it has.
import { type HrPerson, type HrWorld, hasLeft, type VendorFake, without } from './fake-hr.ts';

const AUTHORIZATION = `Basic ${Buffer.from('ISU_X@acme:secret').toString('base64')}`;
/** Dates carry an offset (section 4, SOAP, "dates arrive as"). */
const day = (text: string): string | null => (text === '' ? null : `${text}-08:00`);

function entry(one: HrPerson, world: HrWorld): object {
  const left = hasLeft(one, world);
  const whole = {
    Worker_ID: one.id,
    WID: `3aa5f0c2b1de10019c5e3b1c5f2d${one.id.padStart(4, '0')}`,
    Worker_Type: 'Employee',
    // Future hires read 0 until their first day (section 4, SOAP); numbers and booleans are texts.
    Active: left || one.start > world.today ? '0' : '1',
    On_Leave: '0',
    Legal_First_Name: one.first,
    Legal_Last_Name: one.last,
    Preferred_First_Name: null,
    Work_Email: one.mail,
    Job_Title: one.title,
    Department: one.department,
    Hire_Date: day(one.start),
    Termination_Date: day(one.end),
    // Blank until the termination is effective (section 4, traps).
    Last_Day_of_Work: left ? day(one.end) : null,
    Manager_ID: one.manager === '' ? null : one.manager,
    Time_Zone: 'Europe/Berlin',
  };
  return world.hidden ? without(whole, 'Termination_Date') : whole;
}

export const workdayRaas: VendorFake = {
  preset: 'workday-raas',
  environment: { WORKDAY_USER: 'ISU_X@acme', WORKDAY_PASSWORD: 'secret' },
  pageSize: null,
  tellsLostPage: false,
  respond: ({ path, query, headers }, world) => {
    if (headers.authorization !== AUTHORIZATION) return { status: 401 };
    if (path !== '/Rollcall_Workers' || query.get('format') !== 'json') return { status: 404 };
    return { body: { Report_Entry: world.people.map((one) => entry(one, world)) } };
  },
};
