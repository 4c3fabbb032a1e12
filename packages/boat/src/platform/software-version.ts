/** Version of the boat's software, written to exports and shown by the API and the command line. */
export const SOFTWARE_VERSION = '0.1.0';
