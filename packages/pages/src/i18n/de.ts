import type { Catalogue } from './texts.ts';

/** The German texts. Places have names of nine letters or fewer, because they stand in narrow tabs. */
export const de: Catalogue = {
  'page.title': 'Datenverwaltung',
  'page.missing': '---',
  'page.places': 'Bereiche',
  'place.now': 'Jetzt',
  'place.waiting': 'Wartet',
  'place.history': 'Verlauf',
  'place.files': 'Dateien',
  'place.display': 'Anzeige',
  'place.waitingCount': { one: '{n} Export wartet', other: '{n} Exporte warten' },
  'link.connecting': 'Verbindet',
  'link.live': 'Aktuell',
  'link.lost': 'Nicht aktuell seit {time}',
  'link.lostUnknown': 'Nicht aktuell',
  'page.tier': 'Stufe {tier}',
  'time.near': '{day} {time}',
  'time.far': '{day}, {time}',
  'time.date': '{date}, {time}',

  'loading.title': 'Der Exportdienst wird gefragt …',
  'loading.says': 'Die Seite zeigt erst etwas, wenn der Exportdienst geantwortet hat.',
  'stale.title': 'Im Moment nicht bekannt',
  'stale.says':
    'Der Exportdienst antwortet nicht. Was Sie sehen, ist von {time}. Die Seite verbindet sich von selbst wieder, und nichts geht verloren.',
  'stale.never':
    'Der Exportdienst hat noch nicht geantwortet. Die Seite versucht es von selbst weiter, und nichts geht verloren.',
  'safe.title': 'Alles ist sicher an Land',
  'safe.says': 'Die Zentrale hat alles bis {time}. Nichts wartet.',
  'safe.next': 'Die Zentrale hat alles bis {time}. Nichts wartet. Der nächste tägliche Export: {next}.',
  'delivered.title': 'Daten übertragen',
  'empty.title': 'Noch nichts exportiert',
  'empty.says': '„Alle Daten exportieren“ sendet das Logbuch an die Zentrale.',
  'empty.next':
    '„Alle Daten exportieren“ sendet das Logbuch an die Zentrale. Der erste tägliche Export: {next}.',
  'collecting.title': 'Daten werden gesammelt',
  'collecting.says': 'Gelesen wird: {category}, {n} von {total} Kategorien. Noch wird nichts gesendet.',
  'uploading.title': 'Wird an die Zentrale gesendet',
  'uploading.says':
    'Bricht die Verbindung ab, geht es später von hier aus weiter. Sie können diese Seite verlassen.',
  'willRetry.title': 'Wird von selbst wiederholt',
  'waits.title': { one: '{n} Export wird gleich gesendet', other: '{n} Exporte werden gleich gesendet' },
  'waits.says': 'Sie werden nacheinander gesendet, der älteste zuerst.',
  'offline.title': 'Keine Verbindung zur Zentrale',
  'offline.says': {
    one: '{n} Export wartet an Bord. Er wird von selbst gesendet, sobald das Boot online ist. Sie müssen nichts tun.',
    other:
      '{n} Exporte warten an Bord. Sie werden von selbst gesendet, sobald das Boot online ist. Sie müssen nichts tun.',
  },
  'captive.title': 'Das Hafen-WLAN verlangt eine Anmeldung',
  'captive.says': {
    one: 'Statt der Zentrale antwortet eine Anmeldeseite. Melden Sie sich einmal an, dann wird der wartende Export von selbst gesendet.',
    other:
      'Statt der Zentrale antwortet eine Anmeldeseite. Melden Sie sich einmal an, dann werden die {n} wartenden Exporte von selbst gesendet.',
  },
  'captive.step1':
    'Öffnen Sie den Browser auf diesem Bildschirm. Eine Anmeldung am Telefon gilt nur für das Telefon.',
  'captive.step2':
    'Rufen Sie eine Adresse auf, die mit http:// beginnt. Die Anmeldeseite des Hafens erscheint.',
  'captive.step3': 'Melden Sie sich an. Das Boot prüft jede Minute, oder sofort mit „Jetzt erneut prüfen“.',
  'clock.title': 'Die Uhr des Bootes geht falsch',
  'clock.says': 'Sie zeigt {time}. Ohne die richtige Zeit ist keine sichere Verbindung möglich.',
  'clock.step1':
    'Verbinden Sie das Boot mit dem Internet. Die Uhr stellt sich, sobald ein Zeitserver antwortet.',
  'clock.step2': 'Geschieht das nicht, stellen Sie Datum und Uhrzeit in d3kOS ein.',
  'clock.step3': 'Drücken Sie „Jetzt erneut prüfen“. Wartende Exporte werden von selbst gesendet.',
  'untrusted.title': 'Ein fremder Rechner gibt sich vielleicht als Zentrale aus',
  'untrusted.says':
    'Das Zertifikat der Zentrale lässt sich nicht prüfen, deshalb wird nichts gesendet. Die Exporte bleiben an Bord.',
  'untrusted.step1':
    'Versuchen Sie ein anderes Netz, etwa den Hotspot Ihres Telefons. Manche Netze schalten sich in Verbindungen ein.',
  'untrusted.step2':
    'Geschieht es in jedem Netz, rufen Sie den Betreiber der Zentrale an und lesen Sie die Zeile unten vor.',
  'untrusted.step3': 'Drücken Sie „Jetzt erneut prüfen“, wenn sich etwas geändert hat.',
  'unavailable.title': 'Die Zentrale nimmt im Moment keine Exporte an',
  'unavailable.says':
    'Sie antwortet, kann aber nichts speichern. Das Boot versucht es von selbst wieder. Sie müssen nichts tun.',
  'blocked.title': 'Es kann nichts gesendet werden',
  'blocked.says': 'Exporte werden inzwischen erstellt und an Bord aufbewahrt.',
  'blocked.401.title': 'Die Zentrale lehnt das Token dieses Bootes ab',
  'blocked.401.says': 'Das Boot muss neu angemeldet werden. Exporte werden inzwischen an Bord aufbewahrt.',
  'blocked.mismatch.title': 'Dieses Token gehört zu einem anderen Boot',
  'blocked.mismatch.says': 'Jedes Boot hat sein eigenes Token. Exporte werden inzwischen an Bord aufbewahrt.',
  'blocked.disabled.title': 'Die Zentrale hat dieses Boot gesperrt',
  'blocked.disabled.says': 'Das hat ihr Betreiber getan. Exporte werden inzwischen an Bord aufbewahrt.',
  'blocked.address.title': 'Die Adresse der Zentrale ist falsch',
  'blocked.address.says':
    'Dort antwortet ein Server, der keine Exporte annimmt. Exporte werden inzwischen an Bord aufbewahrt.',
  'blocked.noAddress.title': 'Es ist keine Zentrale eingestellt',
  'blocked.noAddress.says': 'Exporte werden erstellt und an Bord aufbewahrt. Nichts verlässt das Boot.',
  'blocked.noToken.title': 'Dieses Boot hat noch kein Token',
  'blocked.noToken.says': 'Exporte werden an Bord aufbewahrt, bis das Boot bei der Zentrale angemeldet ist.',
  'blocked.step.enrol': 'Bitten Sie den Betreiber der Zentrale, die Installation {id} anzumelden.',
  'blocked.step.token': 'Speichern Sie das neue Token auf dem Boot in config/export-credentials.json.',
  'blocked.step.operator':
    'Rufen Sie den Betreiber der Zentrale an und lesen Sie die Installation {id} und die Zeile unten vor.',
  'blocked.step.address':
    'Vergleichen Sie CENTRAL_API_URL auf dem Boot mit der Adresse, die der Betreiber der Zentrale nennt.',
  'blocked.step.setAddress':
    'Setzen Sie CENTRAL_API_URL auf die Adresse, die der Betreiber der Zentrale nennt, und starten Sie den Exportdienst neu.',
  'blocked.step.check':
    'Das Boot versucht es jede Stunde und bei einem neuen Token. „Jetzt erneut prüfen“ versucht es sofort.',
  'unknown.title': 'Die Zentrale wurde noch nicht versucht',
  'unknown.says': 'Das Boot ist gerade gestartet. Wartende Exporte werden gleich versucht.',
  'metered.title': 'Große Exporte warten auf eine andere Verbindung',
  'metered.says':
    'Diese Verbindung wird nach Menge bezahlt. Kleine Exporte werden gesendet. „Jetzt senden“ sendet alle.',
  'budget.title': 'Das Datenvolumen dieses Monats ist verbraucht',
  'budget.says':
    '{used} von {max} sind in diesem Monat gesendet. Exporte warten auf den nächsten Monat. „Jetzt senden“ sendet sie trotzdem.',
  'budget.saysNoMax':
    '{used} sind in diesem Monat gesendet. Exporte warten auf den nächsten Monat. „Jetzt senden“ sendet sie trotzdem.',
  'failed.title': { one: '{n} Export ist fehlgeschlagen', other: '{n} Exporte sind fehlgeschlagen' },
  'failed.says':
    'Nichts ist verloren: Die Dateien bleiben, und der nächste Export enthält ihre Daten noch einmal.',
  'card.title': 'Die Speicherkarte ist fast voll',
  'card.says':
    '{free} sind frei, und {reserve} bleiben für die anderen Dienste des Bootes. Bis Platz frei ist, wird kein neuer Export erstellt.',
  'tier0.title': 'Dieses Boot exportiert nicht',
  'tier0.says':
    'Es hat die Stufe 0. Nichts wird für die Zentrale gesammelt, nichts wird gesendet, und keine Verbindung wird geöffnet. Das Logbuch bleibt an Bord.',
  'tier0.more':
    'Mit Stufe 1 exportieren Sie von Hand, mit Stufe 2 exportiert das Boot auch täglich. Ändern Sie die Stufe in d3kOS; diese Seite folgt von selbst.',
  'tier0.waiting': {
    one: '{n} Export aus der Zeit vor der Änderung der Stufe ist an Bord ({size}). Er wird gesendet, wenn die Stufe wieder steigt.',
    other:
      '{n} Exporte aus der Zeit vor der Änderung der Stufe sind an Bord ({size}). Sie werden gesendet, wenn die Stufe wieder steigt.',
  },
  'license.title': 'Die Stufe des Bootes ist nicht bekannt',
  'license.says': 'Das Boot rät nicht und exportiert deshalb nichts. Was wartet, bleibt an Bord.',
  'license.step1': 'Starten Sie den Dienst d3kos-tier-api.',
  'license.step2':
    'Oder stellen Sie config/license.json wieder her, wie sie der erste Start geschrieben hat.',
  'license.step3': 'Diese Seite folgt von selbst.',
  'identity.title': 'Dieses Boot hat keine eigene Kennung',
  'identity.says':
    'Sein System wurde von einem anderen Boot kopiert. Die Zentrale könnte beide nicht unterscheiden, deshalb wird nichts exportiert.',
  'identity.step1': 'Führen Sie den ersten Start noch einmal aus. Er gibt dem Boot eine eigene Kennung.',
  'identity.step2': 'Bitten Sie dann den Betreiber der Zentrale, die neue Kennung anzumelden.',
  'statusFailed.title': 'Der Exportdienst kann seinen Zustand nicht lesen',
  seen: 'Beobachtet: {detail}',

  'act.export': 'Alle Daten exportieren',
  'act.making': 'Export wird erstellt …',
  'act.uploading': 'Wird gesendet … {n} von {total}',
  'act.collecting': 'Wird gesammelt … {n} von {total}',
  'act.check': 'Jetzt erneut prüfen',
  'act.checking': 'Wird geprüft …',
  'act.sendNow': 'Jetzt senden',
  'act.retry': 'Erneut',
  'act.retryFailed': { one: 'Export erneut senden', other: '{n} Exporte erneut senden' },
  'act.cancel': 'Abbrechen',
  'act.preview': 'Nächsten Export ansehen',
  'act.again': 'Alles noch einmal exportieren …',
  'act.clear': 'Übertragene Dateien löschen …',
  'act.csv': 'Logbuch als CSV',
  'act.bundle': 'Export für USB-Stick',
  'act.download': 'Laden',
  'act.view': 'Ansehen',
  'act.close': 'Schließen',
  'act.dismiss': 'OK',
  'act.more': 'Mehr anzeigen',
  'act.waitsForManager': 'Wartet auf den Exportdienst',
  'act.synced': 'Daten übertragen',

  'passage.onBoard': 'An Bord',
  'passage.central': 'Zentrale',
  'passage.waiting': { one: '{n} Export wartet', other: '{n} Exporte warten' },
  'passage.none': 'nichts wartet',
  'passage.records': { one: 'Datensatz übertragen', other: 'Datensätze übertragen' },
  'passage.parts': {
    one: '{n} von {total} Teilen ist bei der Zentrale',
    other: '{n} von {total} Teilen sind bei der Zentrale',
  },
  'passage.asOf': 'Stand {time}',
  'passage.since': 'Seit {time}',
  'passage.safeUntil': 'Die Zentrale hat alles bis {time}',
  'passage.label': 'An Bord: {onBoard}. Zentrale: {central}.',

  'reading.last': 'Letzter Export',
  'reading.last.delivered': 'Die Zentrale hat ihn',
  'reading.last.partly': 'Die Zentrale hat einen Teil',
  'reading.last.waiting': 'Er wartet an Bord',
  'reading.last.failed': 'Er ist fehlgeschlagen',
  'reading.last.size': '{size}, {n} Kategorien',
  'reading.month': 'In 30 Tagen übertragen',
  'reading.month.exports': { one: 'Export', other: 'Exporte' },
  'reading.month.today': 'Heute',
  'reading.month.label': {
    one: 'Gesendete Bytes je Tag von {first} bis heute, in {n} Export.',
    other: 'Gesendete Bytes je Tag von {first} bis heute, in {n} Exporten.',
  },
  'reading.next': 'Nächster Export',
  'reading.next.zone': 'Zeit von {zone}',
  'reading.next.due': 'Jetzt fällig',
  'reading.next.byHand': 'Von Hand',
  'reading.next.tier': 'Tägliche Exporte gibt es ab Stufe 2.',
  'reading.next.never': 'Keiner',
  'reading.card': 'Speicherkarte',
  'reading.card.freeWord': 'frei',
  'reading.card.exports': 'Exporte belegen {size}.',
  'reading.card.label': '{used} von {total} sind belegt; {reserve} bleiben frei.',
  'reading.budget': 'Daten im Monat: {used} von {max}',

  'sources.title': { one: '{n} Quelle war nicht lesbar', other: '{n} Quellen waren nicht lesbar' },
  'sources.says': 'Noch nicht an Land: {names}. Der nächste Export versucht es wieder.',
  'volatile.title': 'Wartende Exporte überstehen ein Ausschalten vielleicht nicht',
  'ledger.title': 'Der nächste Export sendet alles noch einmal',
  'ledger.says':
    'Das Verzeichnis der Exporte wurde ersetzt. Die Zentrale speichert jeden Datensatz einmal: Nichts ist doppelt oder verloren.',

  'waiting.sending': 'Wird gesendet',
  'waiting.waiting': 'Wartet',
  'waiting.failed': 'Fehlgeschlagen, Datei bleibt',
  'waiting.empty': 'Nichts wartet. Die Zentrale hat alles, was dieses Boot exportiert hat.',
  'waiting.part': 'Teil {index} von {total}',
  'waiting.why.offline': 'Wird gesendet, sobald die Zentrale erreichbar ist',
  'waiting.why.blocked': 'Wartet, bis die Zentrale dieses Boot annimmt',
  'waiting.why.captive': 'Wartet auf die Anmeldung im WLAN',
  'waiting.why.clock': 'Wartet auf die richtige Uhrzeit',
  'waiting.why.unavailable': 'Wartet, bis die Zentrale Exporte annimmt',
  'waiting.why.next': 'Wird als Nächstes gesendet',
  'waiting.why.queued': 'Wird nach den früheren gesendet',
  'waiting.why.held': 'Wartet auf eine andere Verbindung oder den nächsten Monat',
  'waiting.retry': 'Versuch {n}/3: {time}',
  'waiting.retriesUsed': '{n}/3 Versuche verbraucht',
  'waiting.failedSays':
    'Nichts ist verloren: Der nächste Export enthält diese Daten. „Erneut“ sendet auch diese Datei; die Zentrale speichert jeden Datensatz einmal.',

  'history.title': 'Übertragen',
  'history.count': { one: '{n} Export', other: '{n} Exporte' },
  'history.records': { one: '{n} Datensatz', other: '{n} Datensätze' },
  'history.sent': '{size} gesendet',
  'history.empty':
    'Noch wurde kein Export übertragen. Der erste erscheint hier, sobald die Zentrale ihn hat.',
  'history.made': 'Erstellt: {made}, übertragen: {delivered}, Datei {size}.',
  'history.noneRejected': 'Kein Datensatz wurde abgelehnt.',
  'history.rejected': {
    one: '{n} Datensatz wurde nicht angenommen. Die anderen sind bei der Zentrale.',
    other: '{n} Datensätze wurden nicht angenommen. Die anderen sind bei der Zentrale.',
  },
  'history.exportsPerDay': 'Exporte je Tag, höchstens {max}',
  'history.bytesPerDay': 'Gesendet je Tag, höchstens {max}',
  'history.incomplete': 'Zeigt die neuesten {n}. Frühere Tage können im Bild fehlen.',

  'files.title': 'Exportdateien',
  'files.empty': 'Auf der Karte sind keine Exportdateien.',
  'files.free': 'frei von {total}',
  'files.keyUsed': 'd3kOS und alles andere',
  'files.keyOurs': 'Exportdateien, {size}',
  'files.keyReserve': 'Bleibt frei, {size}',
  'files.status.pending': 'Wartet',
  'files.status.uploading': 'Wird gesendet',
  'files.status.completed': 'Übertragen',
  'files.status.failed': 'Fehlgeschlagen',
  'files.status.none': 'Nicht in der Liste',
  'consent.title': 'Nutzungsstatistik',
  'consent.says':
    'Ist sie an, enthalten Exporte auch die Zahl der Zeilen jeder Tabelle der Nutzungsstatistik, aber keine Inhalte.',
  'consent.on': 'An',
  'consent.off': 'Aus',

  'preview.title': 'Der nächste Export',
  'preview.total': {
    one: '{n} Datensatz, {size}. Ansehen sendet nichts.',
    other: '{n} Datensätze, {size}. Ansehen sendet nichts.',
  },
  'preview.loading': 'Die Daten des Bootes werden gelesen …',
  'preview.more': { one: 'und {n} weiterer Datensatz', other: 'und {n} weitere Datensätze' },
  'preview.state.ok': 'Bereit',
  'preview.state.none': 'Nichts Neues',
  'preview.state.empty': 'Noch nichts da',
  'preview.state.source_missing': 'Gibt es auf diesem Boot nicht',
  'preview.state.schema_unknown': 'In einem Format, das diese Version nicht kennt',
  'preview.state.error': 'Nicht lesbar; der nächste Export versucht es wieder',
  'view.title': 'Inhalt dieser Datei',
  'view.total': '{name}, {size}',
  'view.tooLarge': 'Diese Datei ist zu groß zum Anzeigen ({size}). Laden Sie sie stattdessen herunter.',

  'ask.again.title': 'Alles noch einmal exportieren?',
  'ask.again.says':
    'Alle Daten dieses Bootes werden noch einmal über diese Verbindung gesendet. Die Zentrale speichert jeden Datensatz einmal, nichts wird doppelt. Nötig ist das nur, wenn der Betreiber der Zentrale darum bittet.',
  'ask.again.no': 'So lassen',
  'ask.again.yes': 'Alles noch einmal exportieren',
  'ask.cancel.title': 'Diesen Export nicht mehr senden?',
  'ask.cancel.says':
    'Er wird nicht mehr versucht. Seine Datei bleibt, und der nächste Export enthält seine Daten: Nichts geht verloren.',
  'ask.cancel.no': 'Weiter senden',
  'ask.cancel.yes': 'Nicht mehr senden',
  'ask.clear.title': 'Übertragene Dateien löschen?',
  'ask.clear.says': {
    one: '{n} Datei, die die Zentrale hat, wird von der Speicherkarte gelöscht. Sie belegt {size}. Wartende und fehlgeschlagene Exporte bleiben, der Verlauf auch.',
    other:
      '{n} Dateien, die die Zentrale hat, werden von der Speicherkarte gelöscht. Sie belegen {size}. Wartende und fehlgeschlagene Exporte bleiben, der Verlauf auch.',
  },
  'ask.clear.no': 'Dateien behalten',
  'ask.clear.yes': { one: '{n} Datei löschen', other: '{n} Dateien löschen' },

  'display.title': 'Aussehen der Anzeige',
  'display.auto': 'Automatisch',
  'display.auto.note': 'Tag von 07 bis 20',
  'display.day': 'Tag',
  'display.day.note': 'für Sonne',
  'display.night': 'Nacht',
  'display.night.note': 'gedimmt',
  'display.watch': 'Nachtwache',
  'display.watch.note': 'nur Rot',
  'display.language': 'Sprache',

  'notice.nothingNew': 'Seit dem letzten Export gibt es nichts Neues.',
  'notice.queued': {
    one: 'Ein Export mit {n} Datensatz wurde erstellt.',
    other: 'Ein Export mit {n} Datensätzen wurde erstellt.',
  },
  'notice.sendNow': 'Das Boot versucht jetzt, die Zentrale zu erreichen.',
  'notice.cleared': {
    one: '{n} Datei wurde gelöscht, {size} sind wieder frei.',
    other: '{n} Dateien wurden gelöscht, {size} sind wieder frei.',
  },
  'notice.noBundle': 'Kein Export wartet, deshalb gibt es nichts zu speichern.',
  'notice.retried': 'Die fehlgeschlagenen Exporte warten wieder.',
  'notice.cancelled': 'Der Export wird nicht mehr gesendet. Seine Datei bleibt.',

  'error.DISK_FULL':
    'Die Speicherkarte ist voll. Nichts ist verloren: Der nächste Export enthält die Daten. Schaffen Sie Platz, meist bei Aufnahmen.',
  'error.DISK_NO_INODES':
    'Die Speicherkarte hat Platz, nimmt aber keine weitere Datei an. Löschen Sie Dateien, die Sie nicht brauchen.',
  'error.SOURCE_UNREADABLE':
    'Es wurde nichts erstellt, weil eine Quelle nicht lesbar war. Ihre Daten sind nicht verloren. Der nächste Export versucht es wieder.',
  'error.DISK_RESERVE':
    'Die Speicherkarte ist fast voll, deshalb wird kein Export erstellt. Schaffen Sie Platz, oder lassen Sie wartende Exporte senden.',
  'error.DISK_READ_ONLY':
    'Die Speicherkarte lässt sich nicht beschreiben und ist vielleicht defekt. Starten Sie den Bordrechner neu. Geschieht es wieder, ersetzen Sie die Karte bald.',
  'error.DISK_FAILED':
    'Eine Datei ließ sich nicht lesen oder schreiben. Geschieht es wieder, ist die Speicherkarte vielleicht defekt.',
  'error.ENTRY_NOT_FOUND':
    'Diesen Export gibt es in der Liste nicht mehr. Er wurde inzwischen übertragen oder gelöscht. Siehe Verlauf.',
  'error.ENTRY_STATE': 'Dieser Export hat sich inzwischen geändert. Die Liste zeigt den jetzigen Stand.',
  'error.EXPORT_FILE':
    'Die Datei dieses Exports ist beschädigt oder fehlt. Der nächste Export enthält ihre Daten.',
  'error.BUSY': 'Es läuft schon genug. Warten Sie einen Moment. Nichts ist verloren.',
  'error.VERSION':
    'Diese Seite passt nicht zum Exportdienst. Laden Sie die Seite neu; eines von beiden ist neuer.',
  'error.REQUEST_FORBIDDEN':
    'Diese Seite darf das Boot nicht fragen. Öffnen Sie sie auf dem Bildschirm des Bootes, oder nehmen Sie ihre Adresse in allowed_origins auf.',
  'error.UNREACHABLE':
    'Der Exportdienst hat nicht geantwortet. Ob es geschehen ist, ist nicht bekannt. Die Seite zeigt, was er als Nächstes meldet.',
  'error.other':
    'Im Exportdienst ist etwas schiefgegangen, und nichts wurde geändert. Versuchen Sie es noch einmal.',

  'category.engine_benchmark': 'Motortests',
  'category.boatlog': 'Logbuch',
  'category.marine_vision_captures': 'Kamerabilder',
  'category.marine_vision_snapshots': 'Aufnahmen',
  'category.qr_codes': 'QR-Codes',
  'category.settings': 'Einstellungen',
  'category.system_alerts': 'Alarme',
  'category.onboarding': 'Erster Start',
  'category.telemetry': 'Telemetrie',
};
