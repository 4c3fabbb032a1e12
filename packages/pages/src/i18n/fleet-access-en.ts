/** The English texts of the changes that operators can make on the Fleet page. */
export const fleetAccessEn = {
  'access.title': 'Access',
  'access.tokens': { one: '{n} valid token', other: '{n} valid tokens' },
  'access.noToken': 'No token is valid, so this boat cannot deliver. Give it an invitation code.',
  'access.ended': { one: '{n} token that has ended', other: '{n} tokens that have ended' },
  'token.issued': 'Issued {duration} ago, {day}',
  'token.used': 'last used {moment}',
  'token.unused': 'never used',
  'token.lasts': 'Does not expire',
  'token.expires': 'Expires {moment}',
  'token.expired': 'Expired {moment}',
  'token.revoked': 'Revoked {moment}',
  'token.rotate': 'Replace',
  'token.revoke': 'Revoke',

  'change.confirm': 'To confirm, type {text}',
  'change.running': 'Central is working…',
  'change.issueToken': 'Issue a token',
  'change.issueToken.says':
    "A new device token is shown once. The boat's existing tokens stay valid. If the boat is disabled, it is enabled. An invitation code is easier: the boat then creates its own token.",
  'change.rotateToken': 'Replace the token',
  'change.rotateToken.says':
    'A new device token is shown once. The old one stays valid for 30 days, so that a boat at sea does not lose access.',
  'change.revokeToken': 'Revoke the token',
  'change.revokeToken.says':
    'Central refuses this token from now on. A boat that has no other one delivers nothing until it gets a new one. It keeps its exports on board. A token cannot be made valid again.',
  'change.invite': 'Invitation code',
  'change.invite.says':
    'A code is shown once. The boat on which it is entered is enrolled. It works once, within 48 hours, and replaces an earlier code that was not used. Nothing else changes, and a disabled boat stays disabled.',
  'change.enrol': 'Enrol a boat',
  'change.enrol.says':
    'A boat with this ID is added to the fleet, and an invitation code for it is shown once. The boat’s page shows its ID when it asks for a code, and config/license.json on board has it.',
  'change.disable': 'Disable the boat',
  'change.disable.says':
    'Central refuses everything from this boat until it is enabled. The boat keeps its exports on board, and central keeps its records.',
  'change.enable': 'Enable the boat',
  'change.enable.says':
    'Central takes exports from this boat again. Its tokens that were not revoked are valid again.',
  'change.erase': 'Erase everything',
  'change.erase.says':
    'Central permanently removes every record, receipt, token and event of this boat. This cannot be undone, and a large boat takes minutes. Backups are not changed. What is on board stays there. To keep a copy, first run on the server: d3kos-central export INSTALLATION_ID DIRECTORY',
  'change.addAccount': 'Add an account',
  'change.addAccount.says':
    'The person can log in with this name and password at once. Tell them to change the password.',
  'change.makeAdmin': 'Make administrator',
  'change.makeAdmin.says':
    'From now on, this account can grant and revoke the access of boats, erase boats, and manage all accounts.',
  'change.makeViewer': 'Make viewer',
  'change.makeViewer.says': 'From now on, this account can see the fleet but cannot change anything.',
  'change.setPassword': 'Set a password',
  'change.setPassword.says': 'The old password is no longer valid, and all sessions of this account end.',
  'change.removeAccount': 'Remove the account',
  'change.removeAccount.says':
    'The account is removed and its sessions end. What it did stays in the audit trail under its name.',
  'change.ownPassword': 'Change my password',
  'change.ownPassword.says': 'Your other sessions end. This one continues.',
  'change.refused.exists': 'An account with this name already exists.',
  'change.refused.forbidden': 'Your account is not allowed to do this.',
  'change.refused.format': 'Central does not accept these values.',
  'change.refused.password': 'The current password is wrong.',
  'change.refused.gone': 'It no longer exists. Someone else may have removed it.',
  'change.refused.unreachable':
    'No answer arrived, so the change may or may not have been made. Close this and check before you try again.',
  'change.refused.other': 'Central refused. Nothing changed.',

  'field.installationId': 'Installation ID, 16 characters',
  'field.name': 'Name: lower-case letters, digits, dots and hyphens',
  'field.role': 'Role',
  'field.role.viewer': 'Viewer: sees the fleet',
  'field.role.admin': 'Administrator: also changes access and accounts',
  'field.presentPassword': 'Present password',
  'field.password': 'New password, 12 characters or more',

  'secret.once': 'It is shown only now.',
  'secret.token.says':
    'Copy it. On the boat it is the value of "token" in config/export-credentials.json, a file with mode 0600.',
  'secret.token': 'This is token {id}.',
  'secret.lasts': 'It does not expire.',
  'secret.expires': 'Valid until {moment}.',
  'secret.code.says':
    'Read it aloud or send it. It is entered on the boat’s page, or on board with the command below.',
  'secret.qr': 'The code as a QR code',
  'secret.copy': 'Copy',
  'secret.copied': 'Copied',
  'secret.select': 'Press it to select it, then copy it.',

  'events.title': 'What was done',
  'events.note': 'newest first',
  'events.none': 'Nothing was recorded yet.',
  'events.by': 'by {actor}',
  'events.times': { one: '{n} time', other: '{n} times' },
  'event.enrolled': 'Token issued',
  'event.token_revoked': 'Token revoked',
  'event.tokens_revoked': 'All tokens revoked',
  'event.token_rotated': 'Token replaced',
  'event.installation_disabled': 'Boat disabled',
  'event.installation_enabled': 'Boat enabled',
  'event.code_issued': 'Invitation code issued',
  'event.code_redeemed': 'Enrolled with a code',
  'event.quota_changed': 'Daily quota changed',
  'event.bundle_key_kept': 'Key for bundles kept',
  'event.bundle_key_offered': 'Another key for bundles offered',
  'event.bundle_key_accepted': 'Key for bundles accepted',
  'event.unsigned_bundle_imported': 'Unsigned bundle imported',
  'event.refused': 'Request refused',

  'accounts.title': 'Accounts',
  'accounts.own': 'Your account',
  'accounts.all': 'All accounts',
  'accounts.others': 'Other accounts',
  'accounts.none': 'There is no other account.',
  'accounts.token':
    'You are logged in with the operator token, which has no password of its own here. It is changed on the server.',
  'accounts.since': 'added {moment}',
  'accounts.password': 'password of {moment}',
  'accounts.remove': 'Remove',
} as const;
