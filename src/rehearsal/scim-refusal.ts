/** An answer of the endpoint that refuses (RFC 7644 section 3.12). */
export class ScimRefusal extends Error {
  readonly status: number;
  readonly scimType: string | null;

  constructor(status: number, scimType: string | null, detail: string) {
    super(detail);
    this.status = status;
    this.scimType = scimType;
  }
}
