/** The newest npm CLI that works with this box: what every page names. Later ones may speak another protocol. */
export const NPM_CLI = "trigger.dev@4.8.3";
