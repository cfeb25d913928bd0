/** Topics of `publications`: what must reach Redis, by the account that it is about. */

/** The account's header, and the profiles of all identities that lead to it. */
export const ACCOUNT_TOPIC = 'account';
