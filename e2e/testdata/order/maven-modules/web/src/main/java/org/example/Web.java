package org.example;

public class Web {
    public static void main(String[] args) {
        System.out.println("web");
    }
}
