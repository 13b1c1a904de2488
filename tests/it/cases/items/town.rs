//! The province as a table sees it: people, couples, homes and employers looked for by what they are.

use heyan::query::subject::SubjectKind;
use heyan::simulate::province::{
    DRAWN_ON, Employer, Home, HomeState, Marriage, NONE, Person, Province, Relation, Trait,
};
use heyan::simulate::{calendar::Day, samples};

/// Traits of which registers disagree, or which make somebody a story of their own.
const ODD: [Trait; 8] = [
    Trait::Foreigner,
    Trait::Dead,
    Trait::Cremated,
    Trait::Abroad,
    Trait::Moved,
    Trait::Renamed,
    Trait::Dotted,
    Trait::RareName,
];

/// The province, with words for what tables look for.
pub(crate) struct Town<'a> {
    pub(crate) province: &'a Province,
}

/// Two who are married to each other, in one household book, and their children under 13; there are no older ones.
#[derive(Clone, Debug)]
pub(crate) struct Couple {
    pub(crate) head: u32,
    pub(crate) spouse: u32,
    pub(crate) children: Vec<u32>,
}

impl Couple {
    /// All of them.
    pub(crate) fn family(&self) -> impl Iterator<Item = u32> {
        [self.head, self.spouse].into_iter().chain(self.children.iter().copied())
    }

    /// The two.
    pub(crate) fn both(&self) -> [u32; 2] {
        [self.head, self.spouse]
    }
}

impl Town<'_> {
    /// The first person who is that; the people of the samples are not among them.
    pub(crate) fn someone(&self, what: &str, is: impl Fn(u32, &Person) -> bool) -> u32 {
        let mut people = samples::COUNT..self.province.population();
        let found = people.find(|&one| self.province.person(one).is_some_and(|row| is(one, row)));
        found.unwrap_or_else(|| panic!("the province has nobody who is {what}"))
    }

    /// The first ordinary couple that is that; married since 2006, so that every register has it.
    pub(crate) fn couple(&self, what: &str, is: impl Fn(&Couple) -> bool) -> Couple {
        let people = samples::COUNT..self.province.population();
        let mut couples = people.filter_map(|head| self.couple_of(head));
        couples.find(|couple| is(couple)).unwrap_or_else(|| panic!("the province has no {what}"))
    }

    fn couple_of(&self, head: u32) -> Option<Couple> {
        let row = self.person_row(head);
        let marriage = self.marriage(head).filter(|marriage| marriage.on > Day::of(2006, 1, 1))?;
        let spouse = if marriage.man == head { marriage.woman } else { marriage.man };
        if row.relation != Relation::Head || !self.is_ordinary(head) || !self.is_ordinary(spouse) {
            return None;
        }
        let of_the_book = self.province.household(row);
        let children: Vec<u32> =
            of_the_book.filter(|&one| self.person_row(one).relation == Relation::Child).collect();
        let all_small = children.iter().all(|&one| self.is_ordinary(one) && self.age(one) < 13);
        all_small.then_some(Couple { head, spouse, children })
    }

    /// The first home that is that; those of the samples are not among them.
    pub(crate) fn home(&self, what: &str, is: impl Fn(u32, &Home) -> bool) -> u32 {
        let mut homes = samples::HOME_COUNT..self.province.home_count();
        let found = homes.find(|&one| self.province.home(one).is_some_and(|row| is(one, row)));
        found.unwrap_or_else(|| panic!("the province has no home that is {what}"))
    }

    /// The first employer who is that; those of the samples, of every kind one, come first.
    pub(crate) fn employer(&self, what: &str, is: impl Fn(u32, &Employer) -> bool) -> u32 {
        let mut employers = 0..self.province.employer_count();
        let found =
            employers.find(|&one| self.province.employer(one).is_some_and(|row| is(one, row)));
        found.unwrap_or_else(|| panic!("the province has no employer who is {what}"))
    }

    /// Alive, here, and written the same in every register.
    pub(crate) fn is_ordinary(&self, person: u32) -> bool {
        self.is_ordinary_but(person, &[])
    }

    /// All of these, and ordinary besides.
    pub(crate) fn is_ordinary_but(&self, person: u32, traits: &[Trait]) -> bool {
        let row = self.person_row(person);
        traits.iter().all(|&one| row.has(one))
            && ODD.iter().all(|odd| traits.contains(odd) || !row.has(*odd))
    }

    /// Ordinary, and never married.
    pub(crate) fn is_single(&self, person: u32) -> bool {
        self.is_ordinary(person) && self.person_row(person).marriages == [NONE; 2]
    }

    /// In full years, on the day the province was drawn.
    pub(crate) fn age(&self, person: u32) -> u16 {
        let (year, month, day) = DRAWN_ON;
        self.person_row(person).birth.years_until(Day::of(year, month, day))
    }

    /// Pays social insurance, a year and more.
    pub(crate) fn is_insured(&self, person: u32) -> bool {
        let insurance = self.province.insurance(person);
        insurance.is_some_and(|row| row.state == "1" && row.months_last_12 == 12)
    }

    /// Nobody of them owns a home or has bought one.
    pub(crate) fn own_nothing(&self, people: impl IntoIterator<Item = u32>) -> bool {
        people.into_iter().all(|one| self.homes_of(one).is_empty())
    }

    /// Homes that somebody owns, or has bought by a filed contract.
    pub(crate) fn homes_of(&self, person: u32) -> Vec<u32> {
        let homes = self.province.homes_of(person);
        homes.filter(|(_, row)| row.state != HomeState::Withdrawn).map(|(home, _)| home).collect()
    }

    /// The marriage in force.
    pub(crate) fn marriage(&self, person: u32) -> Option<&Marriage> {
        let marriages = self.province.marriages_of(self.person_row(person)).map(|(_, row)| row);
        marriages.last().filter(|row| self.province.is_married(row))
    }

    pub(crate) fn person_row(&self, person: u32) -> &Person {
        self.province.person(person).unwrap()
    }

    pub(crate) fn home_row(&self, home: u32) -> &Home {
        self.province.home(home).unwrap()
    }

    /// As a party of an application.
    pub(crate) fn person(&self, person: u32) -> SubjectKind {
        samples::person(self.province, "", person).kind
    }

    /// The same person under another name.
    pub(crate) fn called(&self, person: u32, name: &str) -> SubjectKind {
        match self.person(person) {
            SubjectKind::Person(mut person) => {
                name.clone_into(&mut person.name);
                SubjectKind::Person(person)
            }
            other => other,
        }
    }

    /// The employer of somebody, or the last one.
    pub(crate) fn employer_of(&self, person: u32) -> SubjectKind {
        let employer = self.province.employer_of(person);
        self.employing(employer.unwrap_or_else(|| panic!("person {person} has no employer")))
    }

    /// An employer as a party of an application.
    pub(crate) fn employing(&self, employer: u32) -> SubjectKind {
        samples::employer_subject(self.province, "", employer).kind
    }

    /// A home as a party of an application.
    pub(crate) fn property(&self, home: u32) -> SubjectKind {
        samples::property(self.province, "", home).kind
    }

    /// The contract by which a home was bought.
    pub(crate) fn contract(&self, home: u32) -> SubjectKind {
        self.document(self.province.contract_number(home), home)
    }

    /// The lease of a home.
    pub(crate) fn lease(&self, home: u32) -> SubjectKind {
        self.document(self.province.lease_number(home), home)
    }

    /// The presale permit of a home's project.
    pub(crate) fn presale(&self, home: u32) -> SubjectKind {
        let project = self.province.project_of(home);
        self.document(self.province.presale_number(project), home)
    }

    fn document(&self, number: String, home: u32) -> SubjectKind {
        samples::document("", number, self.province.home_city(home).0).kind
    }

    /// The invoice of a new home.
    pub(crate) fn invoice(&self, home: u32) -> SubjectKind {
        samples::document("", self.province.invoice_number(home), 430_000).kind
    }

    /// The permit or finding of somebody who has one.
    pub(crate) fn permit(&self, person: u32) -> SubjectKind {
        let number = self.province.permit_number(person);
        let number = number.unwrap_or_else(|| panic!("person {person} has no permit"));
        samples::document("", number, 430_100).kind
    }
}
