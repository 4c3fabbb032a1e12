import type { fleetAccessEn } from './fleet-access-en.ts';
import type { CatalogueOf } from './texts.ts';

/** The German texts of what operators change on the fleet's page. */
export const fleetAccessDe: CatalogueOf<typeof fleetAccessEn> = {
  'access.title': 'Zugang',
  'access.tokens': { one: '{n} gültiges Token', other: '{n} gültige Token' },
  'access.noToken':
    'Kein Token ist gültig, also kann dieses Boot nichts abliefern. Geben Sie ihm einen Einladungscode.',
  'access.ended': { one: '{n} beendetes Token', other: '{n} beendete Token' },
  'token.issued': 'Ausgestellt vor {duration}, {day}',
  'token.used': 'zuletzt benutzt {moment}',
  'token.unused': 'nie benutzt',
  'token.lasts': 'Läuft nicht ab',
  'token.expires': 'Läuft ab: {moment}',
  'token.expired': 'Abgelaufen: {moment}',
  'token.revoked': 'Widerrufen: {moment}',
  'token.rotate': 'Ersetzen',
  'token.revoke': 'Widerrufen',

  'change.confirm': 'Zum Bestätigen tippen Sie {text}',
  'change.running': 'Central arbeitet…',
  'change.issueToken': 'Token ausstellen',
  'change.issueToken.says':
    'Ein neues Geräte-Token wird einmal gezeigt. Die Token, die das Boot hat, bleiben gültig. Ein gesperrtes Boot wird entsperrt. Einfacher ist ein Einladungscode: Dann macht das Boot sein Token selbst.',
  'change.rotateToken': 'Token ersetzen',
  'change.rotateToken.says':
    'Ein neues Geräte-Token wird einmal gezeigt. Das alte gilt noch 30 Tage, damit ein Boot auf See den Zugang nicht verliert.',
  'change.revokeToken': 'Token widerrufen',
  'change.revokeToken.says':
    'Central weist dieses Token ab sofort ab. Ein Boot, das kein anderes hat, liefert nichts ab, bis es ein neues bekommt. Es behält seine Exporte an Bord. Ein Token kann nicht wieder gültig werden.',
  'change.invite': 'Einladungscode',
  'change.invite.says':
    'Ein Code wird einmal gezeigt. Wer ihn an Bord eingibt, meldet das Boot an; er gilt einmal, 48 Stunden lang. Ein früherer, nicht benutzter Code endet. Sonst ändert sich nichts, und ein gesperrtes Boot bleibt gesperrt.',
  'change.enrol': 'Boot anmelden',
  'change.enrol.says':
    'Ein Boot mit dieser ID kommt zur Flotte, und ein Einladungscode dafür wird einmal gezeigt. Die Seite des Bootes zeigt die ID, wenn sie nach einem Code fragt, und config/license.json an Bord enthält sie.',
  'change.disable': 'Boot sperren',
  'change.disable.says':
    'Central weist alles von diesem Boot ab, bis es entsperrt wird. Das Boot behält seine Exporte an Bord, und was Central hat, bleibt.',
  'change.enable': 'Boot entsperren',
  'change.enable.says':
    'Central nimmt wieder Exporte von diesem Boot an. Seine Token, die nicht widerrufen wurden, gelten wieder.',
  'change.erase': 'Alles löschen',
  'change.erase.says':
    'Central entfernt alle Datensätze, Quittungen, Token und Ereignisse dieses Bootes für immer. Das kann nicht rückgängig gemacht werden und dauert bei einem großen Boot Minuten. Sicherungen ändern sich nicht. Was an Bord ist, bleibt dort. Für eine Kopie führen Sie vorher auf dem Server aus: d3kos-central export INSTALLATION_ID DIRECTORY',
  'change.addAccount': 'Konto hinzufügen',
  'change.addAccount.says':
    'Die Person kann sich sofort mit diesem Namen und Passwort anmelden. Bitten Sie sie, das Passwort zu ändern.',
  'change.makeAdmin': 'Zum Administrator machen',
  'change.makeAdmin.says':
    'Dieses Konto kann ab sofort Booten Zugang geben und nehmen, Boote löschen und alle Konten verwalten.',
  'change.makeViewer': 'Zum Betrachter machen',
  'change.makeViewer.says': 'Dieses Konto sieht die Flotte weiterhin und kann ab sofort nichts mehr ändern.',
  'change.setPassword': 'Passwort setzen',
  'change.setPassword.says': 'Das alte Passwort gilt nicht mehr, und alle Sitzungen dieses Kontos enden.',
  'change.removeAccount': 'Konto entfernen',
  'change.removeAccount.says':
    'Das Konto wird entfernt, und seine Sitzungen enden. Was es getan hat, bleibt unter seinem Namen im Protokoll.',
  'change.ownPassword': 'Mein Passwort ändern',
  'change.ownPassword.says': 'Ihre anderen Sitzungen enden. Diese läuft weiter.',
  'change.refused.exists': 'Ein Konto mit diesem Namen gibt es schon.',
  'change.refused.forbidden': 'Ihr Konto darf das nicht.',
  'change.refused.format': 'Central nimmt die Eingabe nicht an.',
  'change.refused.password': 'Das jetzige Passwort ist nicht richtig.',
  'change.refused.gone': 'Es ist nicht mehr da. Vielleicht hat es jemand anders entfernt.',
  'change.refused.unreachable':
    'Es kam keine Antwort, also kann es geschehen sein oder nicht. Schließen Sie dies und sehen Sie nach, bevor Sie es wieder versuchen.',
  'change.refused.other': 'Central hat abgelehnt. Nichts hat sich geändert.',

  'field.installationId': 'Installations-ID, 16 Zeichen',
  'field.name': 'Name: kleine Buchstaben, Ziffern, Punkte und Bindestriche',
  'field.role': 'Rolle',
  'field.role.viewer': 'Betrachter: sieht die Flotte',
  'field.role.admin': 'Administrator: ändert auch Zugänge und Konten',
  'field.presentPassword': 'Jetziges Passwort',
  'field.password': 'Neues Passwort, mindestens 12 Zeichen',

  'secret.once': 'Nur jetzt zu sehen.',
  'secret.token.says':
    'Kopieren Sie es. An Bord ist es der Wert von "token" in config/export-credentials.json, einer Datei mit Modus 0600.',
  'secret.token': 'Dies ist Token {id}.',
  'secret.lasts': 'Es läuft nicht ab.',
  'secret.expires': 'Gültig bis {moment}.',
  'secret.code.says':
    'Lesen Sie ihn vor oder senden Sie ihn. Er wird auf der Seite des Bootes eingegeben, oder an Bord mit dem Befehl unten.',
  'secret.qr': 'Der Code als QR-Code',
  'secret.copy': 'Kopieren',
  'secret.copied': 'Kopiert',
  'secret.select': 'Drücken Sie darauf, um es auszuwählen, und kopieren Sie es.',

  'events.title': 'Was getan wurde',
  'events.note': 'das Neueste zuerst',
  'events.none': 'Noch nichts ist verzeichnet.',
  'events.by': 'von {actor}',
  'events.times': { one: '{n}-mal', other: '{n}-mal' },
  'event.enrolled': 'Token ausgestellt',
  'event.token_revoked': 'Token widerrufen',
  'event.tokens_revoked': 'Alle Token widerrufen',
  'event.token_rotated': 'Token ersetzt',
  'event.installation_disabled': 'Boot gesperrt',
  'event.installation_enabled': 'Boot entsperrt',
  'event.code_issued': 'Einladungscode ausgestellt',
  'event.code_redeemed': 'Mit einem Code angemeldet',
  'event.quota_changed': 'Tagesmenge geändert',
  'event.bundle_key_kept': 'Schlüssel für Bündel gemerkt',
  'event.bundle_key_offered': 'Anderer Schlüssel für Bündel angeboten',
  'event.bundle_key_accepted': 'Schlüssel für Bündel angenommen',
  'event.unsigned_bundle_imported': 'Bündel ohne Unterschrift importiert',
  'event.refused': 'Anfrage abgewiesen',

  'accounts.title': 'Konten',
  'accounts.own': 'Ihr Konto',
  'accounts.all': 'Alle Konten',
  'accounts.others': 'Andere Konten',
  'accounts.none': 'Es gibt kein anderes Konto.',
  'accounts.token':
    'Sie sind mit dem Operator-Token angemeldet. Es hat hier kein Passwort und wird auf dem Server geändert.',
  'accounts.since': 'angelegt {moment}',
  'accounts.password': 'Passwort vom {moment}',
  'accounts.remove': 'Entfernen',
};
