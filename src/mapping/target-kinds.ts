// The protocols that targets speak.
export const TARGET_KINDS = ['scim', 'entra-bulk', 'okta-source'] as const;
export type TargetKind = (typeof TARGET_KINDS)[number];
