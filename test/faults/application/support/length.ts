/** `EVENTBUS_FAULTS=long` runs the faults for as long and as large as they are described; otherwise in their short form. */
export const IS_LONG = process.env['EVENTBUS_FAULTS'] === 'long';
