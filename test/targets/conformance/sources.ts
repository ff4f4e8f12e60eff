// Sources of quirks that no profile names; all others are listed in docs/profiles.md.
export const FURTHER_SOURCES: Readonly<Record<string, string>> = {
  E4: 'https://learn.microsoft.com/entra/identity/app-provisioning/inbound-provisioning-api-issues',
  E15: 'https://learn.microsoft.com/en-us/answers/questions/2028268/how-to-delete-a-user-with-entra-id-scim',
  E21: 'https://learn.microsoft.com/entra/identity/app-provisioning/enable-scim-api',
  P46: 'https://www.ibm.com/docs/en/sva/11.0.3?topic=api-limitations',
  R7: 'https://docs.snowflake.com/release-notes/bcr-bundles/2026_03/bcr-2276',
  R8: 'https://developer.icemortgagetechnology.com/developer-connect/changelog/254-december-service-pack-2',
  R11: 'https://learn.microsoft.com/entra/identity/app-provisioning/application-provisioning-config-problem-scim-compatibility',
};
