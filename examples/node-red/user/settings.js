// Node-RED's own settings file: https://nodered.org/docs/user-guide/runtime/configuration
module.exports = {
  flowFile: "flows.json",
  // The flows come from this folder, with the release. What is deployed in the editor of a running version is tried
  // there and then, and gone with its next start: a copy in one version's folder would be lost with that version.
  readOnly: true,
  // These flows hold no credentials; with some, set it to the secret: process.env.NODE_RED_CREDENTIAL_SECRET.
  credentialSecret: false,
  telemetry: { enabled: false },
};
