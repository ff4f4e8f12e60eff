/**
 * Stands where a new password shall be: `randomPassword()` in a mapping gives it, the target's room replaces it when the
 * request is sent. So no password is ever stored, hashed, logged or printed.
 */
export const RANDOM_PASSWORD = '@rollcall:random-password@';
