//! What can be chosen about a daemon.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// One daemon, beside its database.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its number: that of the database beside it.
    pub id: u32,
    /// Where adverts and orders come to.
    pub address: SocketAddr,
    /// The numbers of the others of its group, and where their adverts come to.
    pub peers: Vec<(u32, SocketAddr)>,
    /// The addresses that the master has. In a real build there must be none: the operating system moves them.
    pub virtual_addresses: Vec<IpAddr>,
    /// Where the database beside it listens.
    pub database: SocketAddr,
    /// Where scripts let a database follow: the database behind the virtual address, whoever has it.
    pub primary: SocketAddr,
    /// Which daemon it is.
    pub variant: Variant,
}

/// Which daemon it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variant {
    /// keepalived, which speaks VRRP.
    Keepalived(Keepalived),
    /// UCARP, which speaks CARP.
    Ucarp(Ucarp),
}

/// keepalived's options, under its names and with its defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Keepalived {
    /// Which VRRP it speaks.
    pub version: Version,
    /// What it says that it begins as. It has an effect with priority 255 alone.
    pub state: Initial,
    /// From 1 to 255; 255 is for the owner of the addresses, which nobody outranks.
    pub priority: u8,
    /// How often a master says that it is there.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub advert_int: Duration,
    /// A weaker master is left alone.
    pub nopreempt: bool,
    /// `auth_pass`, which there is in VRRPv2 alone.
    pub password: Option<String>,
    /// So many ARPs announce an address that was taken over, and again later.
    pub garp_master_repeat: u32,
    /// How much later.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub garp_master_delay: Duration,
    /// So many ARPs answer the advert of a weaker master.
    pub garp_lower_prio_repeat: u32,
    /// A check of the local database, tracked.
    pub check: Option<Check>,
    /// What `notify_backup` does.
    pub on_backup: OnBackup,
    /// A known defect, switched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flaw: Option<Flaw>,
}

/// Which VRRP it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Version {
    /// RFC 3768: the interval is compared, and passwords are.
    V2,
    /// RFC 5798: a backup takes the master's interval for its own.
    V3,
}

/// What a daemon says that it begins as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Initial {
    /// A master.
    Master,
    /// A backup.
    Backup,
}

/// A tracked check: whether the database's process answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Check {
    /// How often it is made.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub interval: Duration,
    /// How long it may take.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub timeout: Duration,
    /// It fails after so many failures in a row.
    pub fall: u32,
    /// It passes after so many successes in a row.
    pub rise: u32,
    /// What is added to the priority while it passes, if above 0; or taken from it while it fails, if below. 0: who
    /// fails is in `FAULT`.
    pub weight: i16,
}

/// What a script does to the database of a machine that has become a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnBackup {
    /// It becomes a standby of the database behind the virtual address, rewound or copied where that must be.
    Follow,
    /// Nothing to one that runs; one that has never run here is started as a standby.
    Nothing,
}

/// A known defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// A master is deaf to stronger ones: after a partition there are two for good.
    BothMasters,
    /// `nopreempt` has no effect, as where `state MASTER` clears it.
    PreemptFlapping,
    /// A master that stood still goes on as the master and announces nothing.
    PausedMasterNoGarp,
    /// `notify_backup` does nothing, and `notify_master` does not run again on a machine that never ceased to be one.
    PromotedThenDemoted,
}

/// UCARP's options.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ucarp {
    /// How often a master says that it is there, in whole seconds.
    pub advbase: u8,
    /// So many 256ths of a second less often. The shorter interval wins.
    pub advskew: u8,
    /// A master is down after so many intervals.
    pub deadratio: u8,
    /// A weaker master is put down.
    pub preempt: bool,
    /// `-z`: the down script runs at the end, too.
    pub shutdown: bool,
    /// The same with all.
    pub password: String,
    /// So late the capture library may hand over what has come.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub capture_timeout: Duration,
    /// What the down script does to the database.
    pub on_backup: OnBackup,
}

impl Default for Keepalived {
    fn default() -> Self {
        Keepalived {
            version: Version::V2,
            state: Initial::Backup,
            priority: 100,
            advert_int: Duration::from_secs(1),
            nopreempt: false,
            password: None,
            garp_master_repeat: 5,
            garp_master_delay: Duration::from_secs(5),
            garp_lower_prio_repeat: 5,
            check: None,
            on_backup: OnBackup::Follow,
            flaw: None,
        }
    }
}

impl Default for Check {
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Check { interval: second, timeout: second, fall: 1, rise: 1, weight: 0 }
    }
}

impl Default for Ucarp {
    fn default() -> Self {
        Ucarp {
            advbase: 1,
            advskew: 0,
            deadratio: 3,
            preempt: false,
            shutdown: false,
            password: String::new(),
            capture_timeout: Duration::from_secs(1),
            on_backup: OnBackup::Follow,
        }
    }
}

impl Variant {
    pub(super) fn on_backup(&self) -> OnBackup {
        match self {
            Variant::Keepalived(Keepalived { flaw: Some(Flaw::PromotedThenDemoted), .. }) => {
                OnBackup::Nothing
            }
            Variant::Keepalived(options) => options.on_backup,
            Variant::Ucarp(options) => options.on_backup,
        }
    }

    pub(super) fn check(&self) -> Option<&Check> {
        match self {
            Variant::Keepalived(options) => options.check.as_ref(),
            Variant::Ucarp(_) => None,
        }
    }

    /// How late it may be told what has come.
    pub(super) fn capture_timeout(&self) -> Option<Duration> {
        match self {
            Variant::Keepalived(_) => None,
            Variant::Ucarp(options) => Some(options.capture_timeout).filter(|late| !late.is_zero()),
        }
    }
}

impl Keepalived {
    /// # Errors
    ///
    /// Names the field and the bound that it misses.
    pub fn validate(&self) -> Result<(), String> {
        if self.priority == 0 {
            return Err("priority: 0 is below 1".to_owned());
        }
        within("advert_int", self.advert_int, ADVERT_INT_MIN, self.version.advert_int_max())?;
        if self.version == Version::V3 && self.password.is_some() {
            return Err("password: VRRPv3 has none".to_owned());
        }
        if self.version == Version::V2 && self.advert_int.subsec_nanos() != 0 {
            return Err(format!(
                "advert_int: {:?} is not in whole seconds, as VRRPv2's are",
                self.advert_int
            ));
        }
        let Some(check) = &self.check else { return Ok(()) };
        within("check.interval", check.interval, ADVERT_INT_MIN, LONG)?;
        within("check.timeout", check.timeout, ADVERT_INT_MIN, LONG)?;
        for (field, value) in [("check.fall", check.fall), ("check.rise", check.rise)] {
            if value == 0 {
                return Err(format!("{field}: 0 is below 1"));
            }
        }
        if !(-253..=253).contains(&check.weight) {
            return Err(format!("check.weight: {} is not between -253 and 253", check.weight));
        }
        Ok(())
    }
}

/// keepalived's least.
const ADVERT_INT_MIN: Duration = Duration::from_millis(10);
const LONG: Duration = Duration::from_secs(3600);

fn within(field: &str, value: Duration, least: Duration, most: Duration) -> Result<(), String> {
    if value < least {
        return Err(format!("{field}: {value:?} is below {least:?}"));
    }
    if value > most { Err(format!("{field}: {value:?} is above {most:?}")) } else { Ok(()) }
}

impl Version {
    /// What fits into the field of an advert: 8 bits of seconds, or 12 bits of hundredths.
    fn advert_int_max(self) -> Duration {
        match self {
            Version::V2 => Duration::from_secs(255),
            Version::V3 => Duration::from_millis(40_950),
        }
    }
}

impl Ucarp {
    /// # Errors
    ///
    /// Names the field and the bound that it misses.
    pub fn validate(&self) -> Result<(), String> {
        for (field, value) in [("advbase", self.advbase), ("deadratio", self.deadratio)] {
            if value == 0 {
                return Err(format!("{field}: 0 is below 1"));
            }
        }
        Ok(())
    }
}

impl Config {
    /// # Errors
    ///
    /// Names the field and the bound that it misses.
    pub(super) fn validate(&self) -> io::Result<()> {
        let checked = match &self.variant {
            _ if self.id == 0 => Err("id: 0 is below 1".to_owned()),
            Variant::Keepalived(options) => options.validate(),
            Variant::Ucarp(options) => options.validate(),
        };
        checked.map_err(|message| io::Error::new(io::ErrorKind::InvalidInput, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keepalived(options: &str) -> Result<(), String> {
        let options: Keepalived = serde_json::from_str(options).unwrap();
        options.validate()
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        assert_eq!(keepalived("{}"), Ok(()));
        for (options, message) in [
            (r#"{ "priority": 0 }"#, "priority: 0 is below 1"),
            (r#"{ "advert_int": "1ms" }"#, "advert_int: 1ms is below 10ms"),
            (r#"{ "advert_int": "500ms" }"#, "advert_int: 500ms is not in whole seconds, as VRRPv2's are"),
            (r#"{ "version": "v3", "advert_int": "41s" }"#, "advert_int: 41s is above 40.95s"),
            (r#"{ "version": "v3", "password": "a" }"#, "password: VRRPv3 has none"),
            (r#"{ "check": { "fall": 0 } }"#, "check.fall: 0 is below 1"),
            (r#"{ "check": { "weight": 254 } }"#, "check.weight: 254 is not between -253 and 253"),
        ] {
            assert_eq!(keepalived(options).unwrap_err(), message);
        }
        assert_eq!(keepalived(r#"{ "version": "v3", "advert_int": "500ms" }"#), Ok(()));
        let ucarp = Ucarp { advbase: 0, ..Ucarp::default() };
        assert_eq!(ucarp.validate().unwrap_err(), "advbase: 0 is below 1");
        assert_eq!(Ucarp::default().validate(), Ok(()));
    }

    #[test]
    fn an_unknown_option_is_an_error() {
        assert!(serde_json::from_str::<Keepalived>(r#"{ "preempt": true }"#).is_err());
        assert!(serde_json::from_str::<Ucarp>(r#"{ "nopreempt": true }"#).is_err());
    }
}
