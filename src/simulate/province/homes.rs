//! Homes and the papers about them: contract, title, deed tax, invoice, encumbrances, lease, permits.

use super::people::{Drawn, drawn_on};
use super::{NONE, Province, names};
use crate::simulate::calendar::Day;
use crate::simulate::numbers;
use crate::simulate::random::Dice;
use crate::simulate::samples;

/// One home, 20 bytes. Every paper about it carries its number.
#[derive(Clone, Copy, Debug)]
pub struct Home {
    /// Owner, or buyer of a filed contract.
    pub owner: u32,
    /// Joint owner, or [`NONE`].
    pub co_owner: u32,
    /// Whoever owned it before, or [`NONE`].
    pub former: u32,
    /// How far the purchase has come.
    pub state: HomeState,
    /// Set of [`HomeFlag`].
    pub flags: u16,
    /// Tenant of the lease on file, or [`NONE`].
    pub tenant: u32,
}

/// How far a purchase has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HomeState {
    /// Contract filed, no title yet. It counts as a home all the same.
    Contracted,
    /// The contract was withdrawn.
    Withdrawn,
    /// Title registered.
    Titled,
}

/// New or second-hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HomeKind {
    /// 新建商品房
    New,
    /// 存量房
    SecondHand,
}

/// What may be said of a home, each one bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum HomeFlag {
    /// Mortgaged.
    Mortgaged = 1,
    /// Seized by a court.
    Seized = 2,
    /// An objection is registered.
    Disputed = 4,
    /// Somebody has a right of residence.
    Residence = 8,
    /// The register holds the owner's 15-digit number only.
    OldNumber = 16,
}

/// A planning permit or an overhaul finding of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    /// Whose.
    pub holder: u32,
    /// Which of the three.
    pub kind: PermitKind,
    /// Still in force.
    pub valid: bool,
    /// When issued.
    pub on: Day,
}

/// The three papers behind H6, by the prefix of their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermitKind {
    /// 建设工程规划许可
    Construction,
    /// 乡村建设规划许可
    Rural,
    /// 危房鉴定
    Dangerous,
}

impl PermitKind {
    /// The three, with the prefix of their numbers and the agency's code.
    pub const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Construction, "建字第", "1"),
        (Self::Rural, "乡字第", "2"),
        (Self::Dangerous, "危鉴字第", "3"),
    ];
}

impl Home {
    /// Whether that is true of the home.
    pub fn has(&self, flag: HomeFlag) -> bool {
        self.flags & flag as u16 != 0
    }

    /// New when nobody owned it before.
    pub fn kind(&self) -> HomeKind {
        if self.former == NONE { HomeKind::New } else { HomeKind::SecondHand }
    }

    /// Owner and joint owner.
    pub fn owners(&self) -> impl Iterator<Item = u32> {
        [self.owner, self.co_owner].into_iter().filter(|&owner| owner != NONE)
    }

    /// Who sells it: of a second-hand home with a contract the title is the seller's until it passes.
    pub fn seller(&self) -> Option<u32> {
        (self.state == HomeState::Contracted && self.former != NONE).then_some(self.former)
    }

    /// Whom the title names; nobody where there is none yet.
    pub fn title_holders(&self) -> impl Iterator<Item = u32> {
        let titled = self.state == HomeState::Titled;
        self.seller().into_iter().chain(self.owners().filter(move |_| titled))
    }
}

/// Draws homes for the households; the samples come first.
pub(super) fn draw(seed: u64, drawn: &Drawn) -> Vec<Home> {
    let mut homes = samples::homes();
    let mut settled = drawn.households.iter().copied().filter(|&first| first >= samples::COUNT);
    // Tenants are heads of households drawn after the samples; a short list keeps the draw cheap.
    let heads: Vec<u32> = settled.clone().take(1000).collect();
    for head in settled.by_ref() {
        let mut dice = Dice::new(seed, "homes", head);
        let Some(person) = drawn.people.get(head as usize) else { continue };
        let chance = if person.birth.years_until(drawn_on()) > 26 { 660 } else { 80 };
        let mut owns = dice.permille(chance);
        while owns {
            let flags = [
                (HomeFlag::Mortgaged, 400),
                (HomeFlag::Seized, 12),
                (HomeFlag::Disputed, 4),
                (HomeFlag::Residence, 6),
                (HomeFlag::OldNumber, 70),
            ];
            let flags = flags
                .into_iter()
                .filter(|&(_, permille)| dice.permille(permille))
                .fold(0, |set, (flag, _)| set | flag as u16);
            let state = match dice.below(100) {
                0..12 => HomeState::Contracted,
                12..14 => HomeState::Withdrawn,
                _ => HomeState::Titled,
            };
            let spouse = person.marriages.into_iter().rfind(|&row| row != NONE);
            let spouse = spouse.and_then(|row| drawn.marriages.get(row as usize));
            let spouse = spouse.map(|row| if row.man == head { row.woman } else { row.man });
            let joint = dice.permille(450);
            let former = if dice.permille(350) { dice.pick(&heads) } else { NONE };
            homes.push(Home {
                owner: head,
                co_owner: spouse.filter(|_| joint).unwrap_or(NONE),
                former: if former == head { NONE } else { former },
                state,
                flags,
                tenant: if dice.permille(80) { dice.pick(&heads) } else { NONE },
            });
            owns = dice.permille(150);
        }
    }
    homes
}

/// The row's number, parsed from a paper's number between `before` and `after`.
fn index_in(number: &str, before: &str, after: &str) -> Option<u32> {
    number.rsplit_once(before)?.1.strip_suffix(after)?.parse().ok()
}

impl Province {
    /// The city a home lies in, that of its project: code and name.
    pub fn home_city(&self, home: u32) -> (u32, &'static str) {
        self.city("project", self.project_of(home))
    }

    /// 不动产单元号, which ends in the row's number.
    pub fn unit_number(&self, home: u32) -> String {
        numbers::unit_number(self.home_city(home).0 + 2, home)
    }

    /// 不动产权证号.
    pub fn title_number(&self, home: u32) -> String {
        let (_, city) = self.home_city(home);
        let year = self.titled_on(home).parts().0;
        format!("湘({year}){city}不动产权第9{home:07}号")
    }

    /// 坐落.
    pub fn address(&self, home: u32) -> String {
        let (_, city) = self.home_city(home);
        let project = self.project_name(self.project_of(home));
        format!(
            "{city}{project}，{}栋（{}单元）{}号",
            home % 30 + 1,
            home % 3 + 1,
            home % 800 + 101
        )
    }

    /// 网签备案号. Unique only within its city, as they are.
    pub fn contract_number(&self, home: u32) -> String {
        format!("WQ{}{home:08}", self.contracted_on(home).parts().0)
    }

    /// The invoice of a new home, 20 digits.
    pub fn invoice_number(&self, home: u32) -> String {
        format!("26432000000{home:09}")
    }

    /// The lease on file.
    pub fn lease_number(&self, home: u32) -> String {
        format!("ZL2026{home:08}")
    }

    /// The presale permit of a project.
    pub fn presale_number(&self, project: u32) -> String {
        format!("湘预售字（2025）第{project:06}号")
    }

    /// The home with that unit number.
    pub fn home_by_unit(&self, number: &str) -> Option<(u32, &Home)> {
        let index = index_in(number, "F", "")?;
        self.same(index, self.unit_number(index) == number)
    }

    /// The home with that title number; brackets of any width.
    pub fn home_by_title(&self, number: &str) -> Option<(u32, &Home)> {
        let number = number.replace(['（', '〔'], "(").replace(['）', '〕'], ")");
        let index = index_in(&number, "第9", "号")?;
        self.same(index, self.title_number(index) == number)
    }

    /// The home with that contract number.
    pub fn home_by_contract(&self, number: &str) -> Option<(u32, &Home)> {
        let index = number.get(6..)?.parse().ok()?;
        self.same(index, self.contract_number(index) == number)
    }

    /// The new home with that invoice number.
    pub fn home_by_invoice(&self, number: &str) -> Option<(u32, &Home)> {
        let index = number.get(11..)?.parse().ok()?;
        self.same(index, self.invoice_number(index) == number)
            .filter(|(_, home)| home.kind() == HomeKind::New)
    }

    /// The home with that lease.
    pub fn home_by_lease(&self, number: &str) -> Option<(u32, &Home)> {
        let index = number.get(6..)?.parse().ok()?;
        self.same(index, self.lease_number(index) == number).filter(|(_, home)| home.tenant != NONE)
    }

    fn same(&self, index: u32, is_same: bool) -> Option<(u32, &Home)> {
        self.home(index).filter(|_| is_same).map(|home| (index, home))
    }

    /// When the contract was filed.
    pub fn contracted_on(&self, home: u32) -> Day {
        let earliest = Day::of(2012, 1, 10).plus(self.dice("contract", home).below(4900));
        match self.home(home).map(|row| row.state) {
            Some(HomeState::Titled) if home >= samples::HOME_COUNT => earliest,
            // Not titled yet, or a sample that case rules about age should accept: this year or last.
            _ => Day::of(2025, 7, 1).plus(self.dice("contract", home).below(400)),
        }
    }

    /// When the title was registered.
    pub fn titled_on(&self, home: u32) -> Day {
        self.contracted_on(home).plus(20 + self.dice("title", home).below(40))
    }

    /// When deed tax was paid: between contract and title.
    pub fn taxed_on(&self, home: u32) -> Day {
        self.contracted_on(home).plus(self.dice("deed tax", home).between(1, 19))
    }

    /// Whether deed tax is paid. Of a second-hand home it may be paid any day until the title passes; half of the buyers
    /// have paid it as soon as the contract was filed.
    pub fn is_taxed(&self, home: u32) -> bool {
        self.home(home).is_some_and(|row| match row.state {
            HomeState::Titled => true,
            HomeState::Contracted => {
                row.seller().is_some() && self.dice("taxed early", home).permille(500)
            }
            HomeState::Withdrawn => false,
        })
    }

    /// Price in fen.
    pub fn price_fen(&self, home: u32) -> i64 {
        let per_metre = i64::from(self.dice("price", home).between(60, 150)) * 100;
        self.area_cm2(home) / 10_000 * per_metre * 100
    }

    /// Built area in square centimetres; the register prints square metres with two places.
    pub fn area_cm2(&self, home: u32) -> i64 {
        i64::from(self.dice("area", home).between(5_000, 18_000)) * 100
    }

    /// The bank that holds the mortgage.
    pub fn mortgagee(&self, home: u32) -> &'static str {
        self.dice("bank", home).pick(&[
            "湖南省直单位住房公积金管理中心",
            "湘江银行",
            "洞庭银行",
            "岳麓银行",
        ])
    }

    /// Monthly rent in fen and last day of the lease.
    pub fn lease_terms(&self, home: u32) -> (i64, Day) {
        let mut dice = self.dice("lease", home);
        (i64::from(dice.between(8, 60)) * 10_000, Day::of(2027, 3, 31).plus(dice.below(400)))
    }

    /// The project a home belongs to; fifty homes each.
    pub fn project_of(&self, home: u32) -> u32 {
        home / 50
    }

    /// A project's name.
    pub fn project_name(&self, project: u32) -> String {
        names::project(&mut self.dice("project", project), project + 1)
    }

    /// The project of a presale permit, when there is one: whether it is valid, and its day.
    pub fn presale(&self, number: &str) -> Option<(u32, bool, Day)> {
        let project = index_in(number, "第", "号")?;
        let known = project <= self.project_of(self.home_count().saturating_sub(1));
        if !known || self.presale_number(project) != number {
            return None;
        }
        let mut dice = self.dice("presale", project);
        let valid = project == 0 || dice.permille(900);
        Some((project, valid, Day::of(2024, 1, 15).plus(dice.below(500))))
    }

    /// The number of a person's planning permit, when they have one.
    pub fn permit_number(&self, person: u32) -> Option<String> {
        let has_one = person == samples::BUILDER || self.dice("permit", person).permille(20);
        let (_, prefix, _) = PermitKind::ALL.get(person as usize % 3)?;
        has_one.then(|| format!("{prefix}4301002025{person:08}号"))
    }

    /// The planning permit or overhaul finding with that number.
    pub fn permit(&self, number: &str) -> Option<Permit> {
        let holder: u32 = number.rsplit_once("第4301002025")?.1.strip_suffix('号')?.parse().ok()?;
        self.person(holder)?;
        if self.permit_number(holder)? != number {
            return None;
        }
        let mut dice = self.dice("permit terms", holder);
        let &(kind, ..) = PermitKind::ALL.get(holder as usize % 3)?;
        Some(Permit {
            holder,
            kind,
            valid: holder == samples::BUILDER || dice.permille(900),
            on: Day::of(2025, 1, 6).plus(dice.below(400)),
        })
    }
}
