/** The words about phones: the way to https, single pictures, and the code, in English. */

export const setUp = {
  phone: "One step before this phone is a camera",
  device: "One step before this device is a camera",
  why: "Browsers give the camera only to secure pages. This page came over http.",
  openSecure: "Open the secure page",
  ownCertificate: "This server has one, with a certificate that it made itself.",
  hasHttps: "This server has one.",
  open: (address: string) => `Open ${address}`,
  warning:
    "The browser warns once. Choose “Advanced” or “Show details”, then continue. The connection is encrypted, but nobody has checked who is at its other end.",
  trusted: "This browser takes the certificate.",
  trust: "Without the warning: trust the server once",
  fingerprint: "Compare the fingerprint with the one that the server’s operator has.",
  allSystems: "Fingerprint, and the steps for all systems",
  noHttps: "This server has no secure page",
  command:
    "On the machine of the server, this command starts it with https, and prints a code for the phone:",
  otherAddress: "If the server has another address that begins with https, open the page there.",
  without: "Or without https",
  single: "Take single pictures with the camera app. Each one appears on the wall.",
  take: "Take a picture",
  takeAnother: "Take another picture",
  sending: "The picture is being sent.",
  sent: "The picture is on the wall.",
  lastPicture: "The picture that was taken last",
  watch: "See it on the page with all cameras",
  unreadable:
    "This browser cannot read the picture. If the phone saves HEIC, choose JPEG or “Most Compatible” in the settings of its camera.",
  unreachable: "The server cannot be reached, so the picture was not sent. Try again.",
  other: "Have Tailscale or a domain?",
  tailscale:
    "With Tailscale, the machine of the server gets a name and a certificate that every phone of yours trusts:",
  domain: "With a domain, Let’s Encrypt gives the server a certificate that every phone trusts:",
  howTo: "“Serve https” in the server’s documentation has the steps for both.",
};

/** The code with which a phone becomes a camera. */
export const phoneCode = {
  scan: "Scan the code with a phone in the same network, then tap Go live there.",
  left: (time: string) => `Counts for ${time} more, for the first browser that opens it.`,
  used: "A phone has used the code.",
  expired: "The code has expired.",
  again: "Each code is for one phone.",
  renew: "New code",
  failed: "The server gave no new code. Try again.",
};
