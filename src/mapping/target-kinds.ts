// The protocols that targets speak.
export const TARGET_KINDS = ['scim'] as const;
export type TargetKind = (typeof TARGET_KINDS)[number];
