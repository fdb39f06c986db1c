//! The prompts of all tenants, decoded and in memory: what is played is never read from a disk first.

pub mod defaults;
pub mod files;
pub mod sound;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

pub use defaults::PackError;
use dialplan::say::{Language, Part, Piece, PromptName, Repeat, ToneKind, pieces};
use files::PromptFiles;
use hooks::id::TenantId;
use media::{Clip, Playlist, Prompt, RecordRate, Tone, TonePlan};
use tokio::sync::{Mutex, MutexGuard};

use crate::store::prompts::StoredPrompt;
use crate::store::{Store, StoreError};

/// One prompt's place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PromptKey {
    /// Whose.
    pub tenant: TenantId,
    /// In which language.
    pub language: Language,
    /// Its name.
    pub name: PromptName,
}

/// All prompts. What is being played goes on as it began, whatever is put here meanwhile.
#[derive(Debug)]
pub struct PromptLibrary {
    tones: TonePlan,
    defaults: BTreeMap<(Language, PromptName), Clip>,
    /// What is on hold by default.
    music: Clip,
    own: RwLock<BTreeMap<PromptKey, Clip>>,
    next_clip: AtomicU64,
    files: PromptFiles,
    turn: Mutex<()>,
}

impl PromptLibrary {
    /// With the default prompts, which are decoded here; tones are those of `tones`.
    ///
    /// # Errors
    /// The binary is not whole.
    pub fn new(tones: switch::config::TonePlan, files: PromptFiles) -> Result<Self, PackError> {
        let tones = match tones {
            switch::config::TonePlan::Cn => TonePlan::China,
            switch::config::TonePlan::Us => TonePlan::UnitedStates,
        };
        let mut named = 0;
        let mut clip = |samples| {
            named += 1;
            Clip { name: named, samples, rate: RecordRate::Wide }
        };
        let mut defaults = BTreeMap::new();
        for language in Language::ALL {
            for (name, samples) in defaults::spoken(language)? {
                // A name that is none is nobody's to play.
                let Ok(name) = name.parse() else { continue };
                defaults.insert((language, name), clip(samples));
            }
        }
        let music = clip(defaults::music()?);
        Ok(Self {
            tones,
            defaults,
            music,
            own: RwLock::default(),
            next_clip: AtomicU64::new(named + 1),
            files,
            turn: Mutex::default(),
        })
    }

    /// Reads what the tenants have uploaded. A file that cannot be read is told in the log; its default is heard.
    ///
    /// # Errors
    /// The database is away.
    pub async fn load(&self, store: &Store, tenants: &[TenantId]) -> Result<(), StoreError> {
        for tenant in tenants {
            for prompt in store.all::<StoredPrompt>(tenant).await? {
                let StoredPrompt { language, name, file, .. } = prompt.value;
                match self.files.read(tenant, &file) {
                    Ok(samples) => {
                        self.put(PromptKey { tenant: tenant.clone(), language, name }, samples, RecordRate::Wide);
                    }
                    Err(error) => {
                        tracing::error!(%error, %tenant, %language, %name, "an uploaded prompt cannot be read")
                    }
                }
            }
        }
        Ok(())
    }

    /// Where the sound of uploads lies.
    #[must_use]
    pub fn files(&self) -> &PromptFiles {
        &self.files
    }

    /// Uploads are worked on one after another.
    pub async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Puts a prompt in its place, or another in the place of one that is there: whoever is played it from now on hears this one.
    pub fn put(&self, key: PromptKey, samples: Arc<[i16]>, rate: RecordRate) {
        let clip = Clip { name: self.next_clip.fetch_add(1, Ordering::Relaxed), samples, rate };
        self.own.write().unwrap_or_else(PoisonError::into_inner).insert(key, clip);
    }

    /// Takes a prompt away.
    pub fn remove(&self, key: &PromptKey) {
        self.own.write().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// What a tenant's caller hears for `parts`. A prompt that is not there is left out.
    #[must_use]
    pub fn playlist(&self, tenant: &TenantId, language: Language, parts: &[Part], repeat: Repeat) -> Playlist {
        let prompts = pieces(language, parts).into_iter().filter_map(|piece| match piece {
            Piece::Prompt(name) => {
                let clip = self.clip(PromptKey { tenant: tenant.clone(), language, name: name.clone() });
                if clip.is_none() {
                    tracing::warn!(%tenant, %language, %name, "there is no such prompt to be played");
                }
                clip.map(Prompt::Clip)
            }
            Piece::Tone(kind) => Some(Prompt::Tone { plan: self.tones, tone: tone(kind) }),
            Piece::Silence(pause) => Some(Prompt::Silence { ms: u32::try_from(pause.as_millis()).unwrap_or(u32::MAX) }),
        });
        let repeat = match repeat {
            Repeat::Once => media::prompt::Repeat::Once,
            Repeat::Forever => media::prompt::Repeat::Forever,
        };
        Playlist { prompts: prompts.collect(), repeat }
    }

    /// A tenant's music on hold: what it has uploaded under [`HOLD_MUSIC`], in whichever language, or the default.
    #[must_use]
    pub fn hold_music(&self, tenant: &TenantId) -> Clip {
        let own = self.own.read().unwrap_or_else(PoisonError::into_inner);
        let uploaded = own.iter().find(|(key, _)| key.tenant == *tenant && key.name.as_str() == HOLD_MUSIC);
        uploaded.map_or_else(|| self.music.clone(), |(_, clip)| clip.clone())
    }

    /// What is no prompt, as a clip.
    #[must_use]
    pub fn clip_of(&self, samples: Arc<[i16]>) -> Clip {
        Clip { name: self.next_clip.fetch_add(1, Ordering::Relaxed), samples, rate: RecordRate::Wide }
    }

    /// Whether this is somebody's music on hold: it was not replaced or taken away.
    #[must_use]
    pub fn is_hold_music(&self, clip: u64) -> bool {
        let own = self.own.read().unwrap_or_else(PoisonError::into_inner);
        self.music.name == clip || own.iter().any(|(key, own)| key.name.as_str() == HOLD_MUSIC && own.name == clip)
    }

    fn clip(&self, key: PromptKey) -> Option<Clip> {
        let own = self.own.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        own.or_else(|| self.defaults.get(&(key.language, key.name)).cloned())
    }
}

/// The name under which music on hold is uploaded.
pub const HOLD_MUSIC: &str = "hold_music";

fn tone(kind: ToneKind) -> Tone {
    match kind {
        ToneKind::Ringback => Tone::Ringback,
        ToneKind::Busy => Tone::Busy,
        ToneKind::Congestion => Tone::Congestion,
        ToneKind::Dial => Tone::Dial,
        ToneKind::Confirm => Tone::Confirm,
        ToneKind::Beep => Tone::Beep,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn name(text: &str) -> PromptName {
        text.parse().unwrap()
    }

    fn put(library: &PromptLibrary, tenant: &TenantId, text: &str, sample: i16) {
        let key = PromptKey { tenant: tenant.clone(), language: Language::En, name: name(text) };
        library.put(key, vec![sample; 160].into(), RecordRate::Narrow);
    }

    fn samples(playlist: &Playlist) -> Vec<Option<i16>> {
        let first = |prompt: &Prompt| match prompt {
            Prompt::Clip(clip) => Some(clip.samples[0]),
            _ => None,
        };
        playlist.prompts.iter().map(first).collect()
    }

    #[test]
    fn a_sequence_is_made_of_the_tenants_own_prompts_tones_and_pauses() {
        let (library, tenant) = (
            PromptLibrary::new(switch::config::TonePlan::Us, PromptFiles::new("/nowhere".into())).unwrap(),
            TenantId::first(),
        );
        put(&library, &tenant, "greeting", 7);
        put(&library, &tenant, "number_20", 20);
        put(&library, &tenant, "number_1", 1);
        put(&library, &"other".parse().unwrap(), "greeting", 8);
        let parts = [
            Part::Prompt(name("greeting")),
            Part::Number(21),
            Part::Prompt(name("not_there")),
            Part::Silence(Duration::from_millis(250)),
            Part::Tone(ToneKind::Beep),
        ];
        let playlist = library.playlist(&tenant, Language::En, &parts, Repeat::Once);
        assert_eq!(samples(&playlist), [Some(7), Some(20), Some(1), None, None]);
        let beep = Prompt::Tone { plan: TonePlan::UnitedStates, tone: Tone::Beep };
        assert_eq!(playlist.prompts[3..], [Prompt::Silence { ms: 250 }, beep]);
        // What is not the tenant's own is the default.
        assert_eq!(library.playlist(&tenant, Language::ZhCn, &parts[..3], Repeat::Once).prompts.len(), 3, "二十一");
    }

    #[test]
    fn each_tenant_has_the_music_it_uploaded_in_whichever_language_or_the_default() {
        let library = PromptLibrary::new(switch::config::TonePlan::Us, PromptFiles::new("/nowhere".into())).unwrap();
        let (one, other): (TenantId, TenantId) = (TenantId::first(), "other".parse().unwrap());
        let default = library.hold_music(&one).name;
        let key = |language| PromptKey { tenant: one.clone(), language, name: name(HOLD_MUSIC) };
        library.put(key(Language::ZhCn), vec![7; 160].into(), RecordRate::Wide);
        let own = library.hold_music(&one);
        assert_eq!((own.samples[0], library.hold_music(&other).name), (7, default));
        assert!(library.is_hold_music(own.name) && library.is_hold_music(default));
        library.remove(&key(Language::ZhCn));
        assert_eq!(library.hold_music(&one).name, default);
        assert!(!library.is_hold_music(own.name));
    }

    #[test]
    fn a_prompt_that_is_replaced_is_another_clip_and_one_that_is_removed_none() {
        let (library, tenant) = (
            PromptLibrary::new(switch::config::TonePlan::Cn, PromptFiles::new("/nowhere".into())).unwrap(),
            TenantId::first(),
        );
        let parts = [Part::Prompt(name("greeting"))];
        put(&library, &tenant, "greeting", 1);
        let before = library.playlist(&tenant, Language::En, &parts, Repeat::Once);
        put(&library, &tenant, "greeting", 2);
        let after = library.playlist(&tenant, Language::En, &parts, Repeat::Once);
        assert_eq!((samples(&before), samples(&after)), (vec![Some(1)], vec![Some(2)]));
        assert_ne!(before.prompts[0].key(), after.prompts[0].key(), "nothing encoded of the old one is used");
        library.remove(&PromptKey { tenant: tenant.clone(), language: Language::En, name: name("greeting") });
        assert!(library.playlist(&tenant, Language::En, &parts, Repeat::Once).prompts.is_empty());
    }
}
