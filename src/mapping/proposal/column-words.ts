// Which words HR systems write above which column, by language. Only a proposal follows from them, and a person confirms it.
import { transliterated } from '../slug.ts';

export type Role =
  | 'id'
  | 'personId'
  | 'status'
  | 'leaveFlag'
  | 'activeFlag'
  | 'leftFlag'
  | 'startDate'
  /** The very first start, which a later one outranks. */
  | 'firstStart'
  | 'endDate'
  | 'lastDay'
  | 'contractEnd'
  | 'rowFrom'
  | 'rowTo'
  | 'givenName'
  | 'preferredName'
  | 'middleName'
  | 'familyName'
  | 'fullName'
  | 'mail'
  | 'managerId'
  | 'managerOther'
  | 'department'
  | 'division'
  | 'costCenter'
  | 'company'
  | 'title'
  | 'location'
  | 'country'
  | 'timeZone'
  | 'phone'
  | 'mobile'
  | 'type'
  /** Looks like one of the above and is none: somebody's birthday is no date of employment. */
  | 'aside';

export type Language = 'en' | 'de' | 'fr' | 'es';

/** Folded as `folded` does it; blanks part the words. Vendors' own names stand under English. */
const WORDS: Readonly<Record<Role, Partial<Record<Language, string>>>> = {
  id: {
    en: 'id employeeid workerid empid empno employeenumber employeeno employeecode emplid staffid staffno staffnumber personnelno personnelnumber personnelid associateid associateoid payrollnumber payrollid filenumber fileno uniqueid businessentityid badgenumber badgeid rootid personidexternal workerididvalue contractid clocknumber',
    de: 'personalnummer personalnr persnr pernr mitarbeiternummer mitarbeiternr mitarbeiterid manr stammnummer kennung kennnummer personalid ausweisnummer angestelltennummer',
    fr: 'matricule matriculesalarie numeromatricule idsalarie identifiant numerosalarie numeroemploye noemploye codesalarie idemploye matriculeemploye',
    es: 'numeroempleado noempleado nempleado numerodeempleado idempleado codigoempleado codigodeempleado legajo numerodelegajo numerotrabajador idtrabajador codigotrabajador matricula',
  },
  personId: {
    en: 'personid personnumber globalid universalid personkey individualid',
    de: 'personenid personennummer personid',
    fr: 'idpersonne numeropersonne',
    es: 'idpersona numeropersona',
  },
  status: {
    en: 'status workerstatus employmentstatus employeestatus empstatus emplstatus staffstatus hrstatus jobstatus statuscode workerstatuscode personstatus state employmenthistorystatus assignmentstatus hiringstatus recordstatus lifecyclestatus statusdescription',
    de: 'mitarbeiterstatus beschaeftigungsstatus beschaftigungsstatus anstellungsstatus personalstatus statustext beschaeftigtenstatus statuskundenindividuell statusbeschaeftigung',
    fr: 'statut statutsalarie statutemploye etat situation statutcontrat etatsalarie',
    es: 'estado estatus estadoempleado situacion situacionlaboral estadolaboral estadodelempleado estadocontrato',
  },
  leaveFlag: {
    en: 'onleave isonleave leaveofabsence onloa loa onleaveofabsence',
    de: 'beurlaubt inelternzeit abwesend',
    fr: 'enconge absent',
    es: 'depermiso enexcedencia depermisosn',
  },
  activeFlag: {
    en: 'active isactive activeflag currentflag iscurrent activeyn employed enabled activestatus isemployed',
    de: 'aktiv istaktiv aktivjn',
    fr: 'actif estactif',
    es: 'activo activa esactivo enactivo',
  },
  leftFlag: {
    en: 'terminated isterminated inactive isinactive termflag leaver',
    de: 'ausgeschieden inaktiv ausgetreten',
    fr: 'inactif sorti parti',
    es: 'inactivo cesado debaja',
  },
  startDate: {
    en: 'hiredate startdate dateofhire latesthiredate lasthiredate rehiredate employmentstartdate employmentstart joindate joiningdate dateofjoining dateofjoin joined joinedon startdateemployment firstdayofwork firstday statushiredate hired hiredon dateofhiring commencementdate contractstartdate datejoined workstartdate dateofcommencement datestarted',
    de: 'eintritt eintrittsdatum eintrittam einstellungsdatum einstellung beschaeftigungsbeginn beschaftigungsbeginn vertragsbeginn startdatum anstellungsdatum beginn ersterarbeitstag dienstbeginn',
    fr: 'datedentree dateentree datedembauche dateembauche entree embauche datedebut datedebutcontrat datedarrivee debutcontrat datedebutducontrat',
    es: 'fechaingreso fechadeingreso fechaalta fechadealta fechainicio fechadeinicio fechacontratacion fechadecontratacion ingreso fechaincorporacion fechadeincorporacion alta',
  },
  firstStart: {
    en: 'originalhiredate originalstartdate firsthiredate senioritydate continuousservicedate seniority initialhiredate',
    de: 'ersteintritt ersteintrittsdatum konzerneintritt konzerneintrittsdatum',
    fr: 'dateanciennete anciennete datedanciennete',
    es: 'fechaantiguedad antiguedad fechadeantiguedad',
  },
  endDate: {
    en: 'terminationdate termdate dateoftermination enddate leavedate leavingdate dateleft dateofleaving employmentenddate employmentend separationdate exitdate statusterminationdate leftdate dateofexit resigneddate relievingdate dateofseparation',
    de: 'austritt austrittsdatum austrittam beschaeftigungsende beschaftigungsende ausscheidedatum ausgeschiedenam enddatum ende kuendigungsdatum kundigungsdatum dienstende',
    fr: 'datedesortie datesortie datededepart datedepart sortie datefin datedefin finemploi',
    es: 'fechabaja fechadebaja fechasalida fechadesalida fechacese fechadecese fechaegreso fechadeegreso fechafin fechadefin fechadeterminacion fechaterminacion fechadesvinculacion baja egreso',
  },
  lastDay: {
    en: 'lastday lastdayworked lastdayofwork lastdateworked lastworkingday lastworkday terminationlastdayofwork lastworkeddate',
    de: 'letzterarbeitstag letztertag',
    fr: 'dernierjour dernierjourtravaille dernierjourdetravail',
    es: 'ultimodia ultimodiatrabajado ultimodialaborable ultimodiadetrabajo',
  },
  contractEnd: {
    en: 'contractenddate contractend assignmentenddate fixedtermend contractexpiry contractexpirydate',
    de: 'vertragsende befristetbis befristung vertragsendedatum',
    fr: 'fincontrat findecontrat datefincontrat datefindecontrat datedefindecontrat',
    es: 'fincontrato findecontrato fechafincontrato fechafindecontrato fechadefindecontrato vencimientocontrato',
  },
  rowFrom: {
    en: 'validfrom effectivefrom effectivedate effectivestartdate from begda',
    de: 'gueltigab gultigab gueltigvon gultigvon ab von',
    fr: 'valabledu dateeffet datedeffet dateeffective',
    es: 'validodesde vigentedesde desde fechaefectiva',
  },
  rowTo: {
    en: 'validto validuntil effectiveto effectiveenddate until to endda',
    de: 'gueltigbis gultigbis bis',
    fr: 'valableau valablejusquau',
    es: 'validohasta vigentehasta hasta',
  },
  givenName: {
    en: 'firstname givenname forename legalfirst legalfirstname legalgivenname namegivenname fname first legalnamegivenname firstnm christianname givennames',
    de: 'vorname rufname vornamen',
    fr: 'prenom prenoms',
    es: 'nombre nombres primernombre nombredepila nombrepila',
  },
  preferredName: {
    en: 'preferredname preferredfirstname preferredfirst knownas nickname callname preferredgivenname goesby',
    de: 'bevorzugtername spitzname',
    fr: 'prenomusuel prenomdusage surnom',
    es: 'nombrepreferido apodo nombreusual',
  },
  middleName: {
    en: 'middlename middleinitial middle mi secondname',
    de: 'zweitervorname mittelname',
    fr: 'deuxiemeprenom secondprenom',
    es: 'segundonombre',
  },
  familyName: {
    en: 'lastname surname familyname legallast legallastname legalfamilyname namefamilyname lname last legalnamefamilyname lastnm',
    de: 'nachname familienname zuname',
    fr: 'nom nomdefamille nomfamille nomusage nomdusage',
    es: 'apellido apellidos primerapellido apellidopaterno',
  },
  fullName: {
    en: 'name fullname employee worker employeename displayname workername legalname formattedname staffname completename',
    de: 'vollername vollstaendigername vollstandigername mitarbeitername mitarbeiter anzeigename nameverkettet',
    fr: 'nomcomplet nometprenom nomprenom prenomnom salarie',
    es: 'nombrecompleto nombreyapellidos apellidosynombre nombreyapellido nombreempleado empleado',
  },
  mail: {
    en: 'workemail email emailaddress mail primaryworkemail workemailaddress businessemail companyemail corporateemail officeemail emailwork emailbusiness workmail primaryemail upn userprincipalname',
    de: 'emailgeschaeftlich emailgeschaftlich mailadresse dienstlicheemail geschaeftlicheemail firmenemail emailadresse emaildienstlich',
    fr: 'emailprofessionnel courriel courrielprofessionnel adresseemail adressemail mailprofessionnel emailpro mailpro',
    es: 'correo correoelectronico correocorporativo emailcorporativo correoempresa emailempresa correolaboral',
  },
  managerId: {
    en: 'managerid supervisorid reportsto reportstoid manageremployeeid managerworkerid managernumber managerno supervisornumber managerempid supervisoremployeeid supervisoreid linemanagerid managercode managerreference reportstoemployeeid bossid manageridvalue',
    de: 'vorgesetzterid vorgesetzternr vorgesetztenummer vorgesetzternummer vorgesetzterpersonalnummer personalnummervorgesetzter fuehrungskraftid fuhrungskraftid fuehrungskraftnr vorgesetztenid personalnrvorgesetzter',
    fr: 'matriculemanager matriculeresponsable idmanager idresponsable matriculedumanager matriculen1 matriculesuperieur matriculehierarchique responsableid',
    es: 'idjefe idsupervisor numerojefe codigojefe legajojefe idresponsable numerosupervisor codigosupervisor idmanager legajosupervisor numempleadojefe',
  },
  managerOther: {
    en: 'manager managername manageremail supervisor supervisorname supervisoremail linemanager boss reportingmanager managermail linemanageremail',
    de: 'vorgesetzter vorgesetzte fuehrungskraft fuhrungskraft vorgesetzteremail vorgesetztername teamleiter',
    fr: 'responsable responsablehierarchique superieur superieurhierarchique emailmanager emailresponsable nommanager',
    es: 'jefe jefedirecto emailjefe correojefe nombrejefe superior jefeinmediato',
  },
  department: {
    en: 'department dept departmentname departmentdescription deptname orgunit organizationalunit supervisoryorganization homedepartment team workdepartment',
    de: 'abteilung abteilungsname organisationseinheit orgeinheit bereichabteilung fachabteilung',
    fr: 'service departement nomservice unite equipe',
    es: 'departamento area unidad unidadorganizativa sector',
  },
  division: {
    en: 'division divisionname businessunit groupname bu segment',
    de: 'geschaeftsbereich geschaftsbereich bereich sparte division',
    fr: 'direction branche pole',
    es: 'gerencia direccion divisionnegocio unidaddenegocio',
  },
  costCenter: {
    en: 'costcenter costcentre costcentercode costcenterid costcentrecode',
    de: 'kostenstelle kostenstellennummer kst',
    fr: 'centredecout centredecouts centrecout',
    es: 'centrodecoste centrodecosto centrocoste centrocosto centrodecostos ceco',
  },
  company: {
    en: 'company companyname legalentity employer organization entity companycode subcompany',
    de: 'firma gesellschaft unternehmen buchungskreis arbeitgeber mandant',
    fr: 'societe entreprise entite etablissementjuridique employeur',
    es: 'empresa sociedad compania entidad razonsocial empleador',
  },
  title: {
    en: 'jobtitle title position positiontitle businesstitle jobname designation role worktitle jobprofile jobdescription occupation',
    de: 'stelle stellenbezeichnung berufsbezeichnung taetigkeit tatigkeit funktion jobtitel positionsbezeichnung',
    fr: 'poste intituleposte intituledeposte fonction emploi intituledeemploi titreposte libelleemploi',
    es: 'puesto cargo puestodetrabajo posicion titulo ocupacion',
  },
  location: {
    en: 'location site office worklocation officelocation sitename building workplace locationname branch worksite',
    de: 'standort arbeitsort niederlassung werk betriebsstaette betriebsstatte buero buro dienstort',
    fr: 'site lieu lieudetravail etablissement agence bureau',
    es: 'sede centro centrodetrabajo ubicacion oficina sucursal lugardetrabajo localidad',
  },
  country: {
    en: 'country countrycode workcountry locationcountry countryiso countryregionname worklocationcountry',
    de: 'land laendercode landercode landescode',
    fr: 'pays codepays',
    es: 'pais codigopais',
  },
  timeZone: {
    en: 'timezone tz timezoneid iananame worktimezone timezonename',
    de: 'zeitzone',
    fr: 'fuseauhoraire fuseau',
    es: 'zonahoraria husohorario',
  },
  phone: {
    en: 'workphone phone phonenumber officephone businessphone telephone workphonenumber telephonenumber extension deskphone phonework',
    de: 'telefon telefonnummer telefongeschaeftlich telefongeschaftlich durchwahl diensttelefon telefondienstlich',
    fr: 'telephone tel telephoneprofessionnel telpro telephonepro telephonefixe',
    es: 'telefono telefonotrabajo telefonooficina telefonoempresa telefonocorporativo',
  },
  mobile: {
    en: 'mobile mobilephone workmobile cellphone cell mobilenumber mobilephonenumber companymobile',
    de: 'mobil mobiltelefon handy diensthandy handynummer mobilnummer',
    fr: 'portable mobileprofessionnel telephoneportable telmobile gsm portablepro',
    es: 'movil celular telefonomovil movilempresa',
  },
  type: {
    en: 'workertype employeetype employmenttype emptype type contracttype employeeclass workertypecode personnelsubgroup personneltype category assignmentclass employeegroup',
    de: 'mitarbeitergruppe mitarbeiterart vertragsart beschaeftigungsart beschaftigungsart anstellungsart mitarbeiterkreis mitarbeitertyp',
    fr: 'typecontrat typedecontrat categorie naturecontrat typesalarie',
    es: 'tipocontrato tipodecontrato tipoempleado categoria tipodeempleado tipotrabajador',
  },
  aside: {
    en: 'dob dateofbirth birthdate birthday birthname maidenname adjustedservicedate probationenddate probationend probationdate lastmodified modifieddate lastchanged lastupdated updatedat createdat createddate maritalstatus visastatus militarystatus veteranstatus flsastatus taxstatus immigrationstatus personalemail homeemail privateemail homephone personalphone personalmobile emergencyphone emergencycontact emergencycontactname spousename nationalid nationalidnumber ssn passportnumber salary gender genderpronoun pronouns userid loginid username departmentid departmentcode deptid deptcode divisionid companyid locationid jobid jobcode positionid positioncode managerfirstname managerlastname supervisorfirstname supervisorlastname leavestartdate leaveenddate leavetype terminationreason noticedate resignationdate contractsigneddate wid workdayid rowguid salutation prefix suffix honorific',
    de: 'geburtsdatum geburtstag geburtsname familienstand probezeitende probezeitbis geaendertam geandertam privatemail emailprivat telefonprivat handyprivat notfallkontakt steuerklasse konfession geschlecht anrede gehalt benutzername abteilungsnummer abteilungsnr stellennummer kuendigungam  austrittsgrund titelakademisch',
    fr: 'datedenaissance datenaissance nomdenaissance nomnaissance nomjeunefille situationfamiliale situationmatrimoniale finperiodeessai  emailpersonnel mailpersonnel telephonepersonnel sexe civilite salaire numerosecu numerosecuritesociale motifsortie codeservice',
    es: 'fechanacimiento fechadenacimiento estadocivil correopersonal emailpersonal telefonopersonal sexo genero salario nss dni nif curp rfc  finperiodoprueba motivobaja codigodepartamento segundoapellido apellidomaterno',
  },
};

/** Somebody else's first name must not become the worker's. */
const OTHERS =
  /manager|supervisor|vorgesetzt|fuhrungskraft|fuehrungskraft|responsable|superieur|jefe|emergency|spouse|notfall|urgence|contactperson|dependent|mentor|recruiter|hrbp/;

interface Known {
  readonly role: Role;
  readonly language: Language;
}
const KNOWN: ReadonlyMap<string, readonly Known[]> = dictionary();

function dictionary(): ReadonlyMap<string, readonly Known[]> {
  const known = new Map<string, Known[]>();
  for (const [role, languages] of Object.entries(WORDS) as [Role, Partial<Record<Language, string>>][]) {
    for (const [language, words] of Object.entries(languages) as [Language, string][]) {
      for (const word of words.split(' ')) known.set(word, [...(known.get(word) ?? []), { role, language }]);
    }
  }
  return known;
}

/** Small Latin letters and digits only: `Hire_Date`, `hire date` and `HIRE-DATE` are one word; `#` says number. */
export const folded = (text: string): string =>
  transliterated(text.replace(/[#№]/g, ' number').replace(/n[°º]/gi, 'numero'))
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');

/** How a column's name fits a role: 3 the very word, 2 ends with it or begins with it, 1 holds it. */
export interface NameFit {
  readonly role: Role;
  readonly language: Language;
  readonly strength: 1 | 2 | 3;
}

/** Shorter words would be found in everything. */
const PART_LENGTH_MIN = 5;
/** Words that vendors wrap around a value and that say nothing of it. */
const WRAPPERS =
  /^(?:attributes|value|values|fields|text|idvalue|codevalue|shortname|longname|label|name|data|worker|work|employee|person|employment|job|internal|home|root|personal|details|record|info|profile)$/;

/** What a column may be, best first. `path` has several steps for members of JSON records. */
export function nameFits(path: readonly string[]): readonly NameFit[] {
  const fits = new Map<Role, NameFit>();
  const note = (fit: NameFit): void => {
    const before = fits.get(fit.role);
    if (before === undefined || before.strength < fit.strength) fits.set(fit.role, fit);
  };
  for (const [word, strengthMax] of spellings(path)) {
    for (const { role, language } of KNOWN.get(word) ?? []) note({ role, language, strength: strengthMax });
    if ((KNOWN.get(word) ?? []).length > 0 || word.length > 80) continue;
    for (const [known, meanings] of KNOWN) {
      if (known.length < PART_LENGTH_MIN || !word.includes(known)) continue;
      const edge = word.endsWith(known) || word.startsWith(known);
      for (const { role, language } of meanings) {
        if (!role.startsWith('manager') && OTHERS.test(word)) continue;
        note({ role, language, strength: edge && strengthMax === 3 ? 2 : 1 });
      }
    }
  }
  return [...fits.values()].toSorted((a, b) => b.strength - a.strength);
}

/** The last step that says something, with the one before it, and the whole path. */
function spellings(path: readonly string[]): readonly (readonly [word: string, strength: 2 | 3])[] {
  const steps = path.map(folded).filter((step) => step !== '');
  const telling = steps.filter((step) => !WRAPPERS.test(step));
  const said = telling.length === 0 ? steps.slice(-1) : telling;
  const two = said.slice(-2).join('');
  const last = said.at(-1) ?? '';
  const words: (readonly [string, 2 | 3])[] = [[two, 3]];
  if (steps.length > 1 && said.length > 0) words.unshift([steps.slice(-2).join(''), 3]);
  // `manager.firstName` is not the worker's.
  if (said.length > 1 && !OTHERS.test(said.slice(0, -1).join(''))) words.push([last, 2]);
  return words;
}
